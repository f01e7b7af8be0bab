import { currentTracer, useTracer } from '../../core/model/trace.ts';
import type { World } from '../terminal/world.ts';

/** Whether the environment asks for traces, in the words of OpenTelemetry. */
export function wantsTraces(env: World['env']): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  const exporter = env.OTEL_TRACES_EXPORTER;
  if (exporter) return exporter === 'otlp';
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/**
 * Has the steps of this process taken down, if the environment asks for it. Otherwise nothing is loaded.
 * @returns ends it
 */
export async function traceIfAsked(
  argv: string[],
  { env, version, clock }: Pick<World, 'env' | 'version' | 'clock'>,
): Promise<() => Promise<void>> {
  if (!wantsTraces(env)) return async () => {};
  const { openTracing } = await import('../../core/trace/open-tracing.ts');
  // A core is a service of its own, although it is the same program.
  const of = argv[0] === 'serve' ? 'core' : 'command';
  const service = of === 'core' ? 'fsb-core' : 'fsb-ctl';
  const { tracer, close } = openTracing({ service, version, of, clock });
  useTracer(tracer);
  return close;
}

/** Runs a command as a step, the first one of its trace unless TRACEPARENT names another. Not a core, which has no end. */
export async function traceCommand(id: string, { env }: World, run: () => Promise<number>): Promise<number> {
  const tracer = currentTracer();
  if (tracer === undefined || id === 'serve') return run();
  const span = tracer.begin(`fsb-ctl ${id.replaceAll(':', ' ')}`, { parent: env.TRACEPARENT });
  const code = await tracer.within(span, run);
  span.end(code === 0 ? undefined : { code: String(code) }, {
    'process.exit.code': code,
  });
  return code;
}
