import { FsbError } from '../../model/failure/errors.ts';
import { connectArgv, toolRequest } from '../../model/guest-tool.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import { attachFromQuery, portsFromQuery, wantedOutput } from '../../wire/stream/stream-query.ts';
import { sandboxPath } from '../http/router.ts';
import type { Connection } from './connection.ts';
import { serveLogs } from './log-stream.ts';
import { servePortChannels } from './port-channels.ts';
import { servePort } from './port-stream.ts';
import { deliverOutput, serveProcess } from './process-stream.ts';
import { execRequestOf, type Serve, type StreamedCore } from './stream-request.ts';

const actions: Record<string, (ref: SandboxRef) => Serve> = {
  logs:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveLogs(connection, (logQuery, options) => sandboxes.logs(ref, logQuery, options), query),
  exec:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveProcess(
        connection,
        async (signal) => sandboxes.exec(ref, await execRequestOf(connection, query), { signal }),
        deliverOutput(wantedOutput(query)),
      ),
  attach:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveProcess(
        connection,
        async (signal) => sandboxes.attach(ref, attachFromQuery(query), { signal }),
        deliverOutput(wantedOutput(query)),
      ),
  portforward:
    (ref) =>
    (connection, { sandboxes }, query) =>
      forward(connection, query, (port, signal) =>
        sandboxes.exec(ref, toolRequest(connectArgv(port), true), { signal }),
      ),
};

type OpenPort = (port: number, signal: AbortSignal) => ReturnType<StreamedCore['sandboxes']['exec']>;

async function forward(connection: Connection, query: URLSearchParams, open: OpenPort): Promise<void> {
  if (connection.own)
    return servePort(connection, async (signal) => open(onePort(portsFromQuery(query)), signal));
  try {
    await servePortChannels(connection, portsFromQuery(query), open);
  } catch (error) {
    connection.finish({ kind: 'error', error: FsbError.from(error) });
  }
}

function onePort([port, ...more]: number[]): number {
  if (more.length === 0) return port!;
  throw new FsbError('invalid_argument', 'fsb.v1 carries one connection to one port', {
    hint: 'Open a stream for each.',
  });
}

/** `/api/v1/sandboxes/{namespace}/{name}/{logs,exec,attach,portforward}`. @throws invalid_argument for a broken escape */
export function sandboxStream(pathname: string): Serve | undefined {
  const target = sandboxPath(pathname);
  if (target === undefined || !Object.hasOwn(actions, target.action)) return undefined;
  return actions[target.action]!(target.ref);
}
