import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { withEither } from '../../model/async/either-signal.ts';
import type { Clock } from '../../model/clock.ts';
import { LineStamper } from '../../model/line-stamper.ts';
import type { LogEntry } from '../../model/logs.ts';
import { logsFromQuery, wantsTimestamps } from '../../wire/stream/stream-query.ts';
import { deadlineOf } from './deadline.ts';
import { type Route, sandboxPath } from './router.ts';

/**
 * `GET /api/v1/sandboxes/{namespace}/{name}/logs`: the bytes of a log in chunks, both streams as they came, for whoever
 * has no WebSocket. With `follow` it ends when the sandbox has.
 *
 * @param closing aborts when the core goes away: followers must not keep it
 */
export function logRoute(closing: AbortSignal, clock: Clock): Route {
  return async (request, response, { pathname, searchParams }, gone, { core }) => {
    const target = request.method === 'GET' ? sandboxPath(pathname) : undefined;
    if (target?.action !== 'logs') return false;
    const query = { ...logsFromQuery(searchParams), position: true };
    const { signal, clear } = deadlineOf(request.headers['grpc-timeout']?.toString(), gone, clock);
    await withEither(signal, closing, (until) => {
      const entries = core.sandboxes.logs(target.ref, query, { signal: until });
      return sendLog(response, entries, wantsTimestamps(searchParams));
    }).finally(clear);
    return true;
  };
}

/**
 * Answers with a log, at the pace of who reads. A log that breaks off is an answer that breaks off.
 * @param entries the first one comes at once (`position` of the query): until then an error is an answer of its own
 */
export async function sendLog(
  response: ServerResponse,
  entries: AsyncIterable<LogEntry>,
  timestamps: boolean,
): Promise<void> {
  const iterator = entries[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  // Who follows a silent log is to know that it is there.
  response.flushHeaders();
  await pipeline(Readable.from(bytesOf(first, iterator, timestamps)), response);
}

async function* bytesOf(
  first: IteratorResult<LogEntry>,
  iterator: AsyncIterator<LogEntry>,
  timestamps: boolean,
): AsyncGenerator<Buffer> {
  const stamper = new LineStamper();
  try {
    for (let next = first; !next.done; next = await iterator.next()) {
      const bytes = timestamps ? stamper.push(next.value) : next.value.data;
      if (bytes.length > 0) yield bytes;
    }
  } finally {
    await iterator.return?.();
  }
}
