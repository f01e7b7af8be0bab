import { type Logger, pino } from 'pino';
import { systemClock } from '../../../core/model/clock.ts';
import type { CorePaths } from '../../../core/model/paths.ts';
import { currentTracer } from '../../../core/model/trace.ts';
import { makePrivateDirectory } from '../../../core/root/private-directory.ts';
import { CoreLogFile } from './core-log-file.ts';

/**
 * The log of a core that runs in this process: lines of JSON, written at once; what cannot be written is dropped. With the
 * trace that a line belongs to, when there are traces.
 */
export function openCoreLog(paths: CorePaths, level: string): Logger {
  makePrivateDirectory(paths.state);
  const options = {
    ...{ level, base: { pid: process.pid }, serializers: { err: errorFields } },
    ...(currentTracer() && { mixin: traceIds }),
  };
  return pino(options, new CoreLogFile(paths.log, systemClock));
}

function traceIds(): object {
  const span = currentTracer()?.current();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

/** By its name: that of its class is the bundler's. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, ...fields } = pino.stdSerializers.err(error) as { name?: string };
  return { ...fields, type: error.name };
}
