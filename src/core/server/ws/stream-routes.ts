import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/failure/errors.ts';
import { LARGEST_OUTPUT_WINDOW, OUTPUT_WINDOW } from '../../wire/stream/frames.ts';
import { urlOf } from '../http/respond.ts';
import { agentStream } from './agent-streams.ts';
import type { Connection } from './connection.ts';
import { poolStream } from './pool-streams.ts';
import { sandboxStream } from './sandbox-streams.ts';
import type { StreamedCore } from './stream-request.ts';

export interface Stream {
  /** What it is: exec, attach, logs, run. */
  name: string;
  /** Bytes that may be on their way to the client. */
  window: number;
  /** The key by which the client will come back when the connection breaks. */
  resume?: string;
  serve(connection: Connection, core: StreamedCore): Promise<void>;
}

/** Which stream an upgrade request asks for. @throws not_found, invalid_argument */
export function streamOfRequest(request: IncomingMessage): Stream {
  const { pathname, searchParams } = urlOf(request);
  const serve = sandboxStream(pathname) ?? poolStream(pathname) ?? agentStream(pathname);
  if (serve === undefined)
    throw new FsbError('not_found', `there is no stream at ${pathname}`, {
      hint: 'Ask without an upgrade to a WebSocket for what is no stream.',
    });
  const resume = searchParams.get('resume') ?? undefined;
  // It is about the connection: no stream knows such a field.
  searchParams.delete('resume');
  return {
    name: pathname.slice(pathname.lastIndexOf('/') + 1),
    window: windowOf(searchParams),
    ...(resume !== undefined && { resume }),
    serve: (connection, core) => serve(connection, core, searchParams),
  };
}

function windowOf(query: URLSearchParams): number {
  const window = Number(query.get('window') ?? OUTPUT_WINDOW);
  return Number.isSafeInteger(window) && window > 0 ? Math.min(window, LARGEST_OUTPUT_WINDOW) : OUTPUT_WINDOW;
}
