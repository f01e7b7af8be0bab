import type { IncomingMessage } from 'node:http';
import type { ExecRequest, SandboxApi } from '../../api/sandbox-api.ts';
import type { SandboxRef } from '../../model/sandbox.ts';
import { OUTPUT_WINDOW } from '../../wire/stream/frames.ts';
import {
  attachFromQuery,
  execFromJson,
  execFromQuery,
  logsFromQuery,
} from '../../wire/stream/stream-query.ts';
import { urlOf } from '../http/respond.ts';
import { notHere, sandboxPath } from '../http/router.ts';
import type { Connection } from './connection.ts';
import { serveLogs } from './log-stream.ts';
import { serveProcess } from './process-stream.ts';

type Serve = (
  connection: Connection,
  sandboxes: SandboxApi,
  ref: SandboxRef,
  query: URLSearchParams,
) => Promise<void>;

const actions: Record<string, Serve> = {
  // The queries are read inside, so that a wrong one is told over the stream, like every other error of a stream.
  logs: (connection, sandboxes, ref, query) =>
    serveLogs(connection, (signal) => sandboxes.logs(ref, logsFromQuery(query), { signal })),
  exec: (connection, sandboxes, ref, query) =>
    serveProcess(connection, async (signal) =>
      sandboxes.exec(ref, await execRequest(connection, query), { signal }),
    ),
  attach: (connection, sandboxes, ref, query) =>
    serveProcess(connection, async (signal) => sandboxes.attach(ref, attachFromQuery(query), { signal })),
};

export interface Stream {
  /** Bytes that may be on their way to the client. */
  window: number;
  serve(connection: Connection, sandboxes: SandboxApi): Promise<void>;
}

/** Which stream an upgrade request asks for. @throws not_found */
export function streamOfRequest(request: IncomingMessage): Stream {
  const { pathname, searchParams } = urlOf(request);
  const target = sandboxPath(pathname);
  if (target === undefined || !Object.hasOwn(actions, target.action)) throw notHere(request, pathname);
  const { action, ref } = target;
  return {
    window: windowOf(searchParams),
    serve: (connection, sandboxes) => actions[action]!(connection, sandboxes, ref, searchParams),
  };
}

function windowOf(query: URLSearchParams): number {
  const window = Number(query.get('window') ?? OUTPUT_WINDOW);
  // More would let a client that never reads fill this process with its output.
  return Number.isSafeInteger(window) && window > 0 ? Math.min(window, 4 * OUTPUT_WINDOW) : OUTPUT_WINDOW;
}

/** From the URL, or from the first frame where it was too long for one. */
async function execRequest(connection: Connection, query: URLSearchParams): Promise<ExecRequest> {
  if (query.get('request') !== 'frame') return execFromQuery(query);
  return execFromJson(await connection.firstRequest());
}
