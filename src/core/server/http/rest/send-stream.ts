import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../model/clock.ts';
import { FsbError } from '../../../model/failure/errors.ts';
import { TAR_TYPES } from '../respond.ts';

/** Milliseconds without a word after which a stream of events says that it is still there. */
const HEARTBEAT = 15_000;

const LINES = 'application/x-ndjson; charset=utf-8';
const EVENTS = 'text/event-stream; charset=utf-8';

/** Whether the client wants server-sent events rather than lines. */
const wantsEvents = (accept = ''): boolean => accept.includes('text/event-stream');

/**
 * A document a line, or an event each, at the pace of the client. The head goes out with the first one, so that a failure
 * before it has its own status; one that comes later is the last line. `waits`: the first one may be long in coming, so the
 * head goes out before it, unless the failure is there at once.
 */
export async function sendLines(
  response: ServerResponse,
  lines: AsyncIterable<unknown>,
  { accept, waits, clock }: { accept?: string; waits: boolean; clock: Clock },
): Promise<void> {
  const asEvents = wantsEvents(accept);
  const textOf = asEvents ? eventText : lineText;
  const iterator = lines[Symbol.asyncIterator]();
  try {
    const first = iterator.next();
    if (waits) await Promise.race([first, turn()]);
    else await first;
    head(response, asEvents ? EVENTS : LINES);
    response.flushHeaders();
    const stop = asEvents ? beat(response, clock) : () => {};
    try {
      for (let next = await first; !next.done; next = await iterator.next())
        await put(response, textOf(next.value));
    } catch (error) {
      if (response.destroyed) throw error;
      await put(response, textOf({ error: FsbError.from(error).toBody() }));
    } finally {
      stop();
    }
    response.end();
  } finally {
    await iterator.return?.();
  }
}

/** Bytes as they come. A failure cuts the answer off, so that nobody takes it for whole. */
export async function sendBytes(response: ServerResponse, chunks: AsyncIterable<Buffer>): Promise<void> {
  head(response, 'text/plain; charset=utf-8');
  response.flushHeaders();
  for await (const chunk of chunks) await put(response, chunk);
  response.end();
}

/** As sendBytes, but a failure before the first of them has its own status. */
export async function sendTar(response: ServerResponse, chunks: AsyncIterable<Buffer>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    head(response, TAR_TYPES[0]);
    for (let next = first; !next.done; next = await iterator.next()) await put(response, next.value);
    response.end();
  } finally {
    await iterator.return?.();
  }
}

function head(response: ServerResponse, contentType: string): void {
  response.writeHead(200, {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
}

/** Resolves when there is room for more. @throws cancelled when the client has left */
async function put(response: ServerResponse, text: string | Buffer): Promise<void> {
  if (response.destroyed) throw gone();
  if (response.write(text)) return;
  const settled = new AbortController();
  try {
    await Promise.race([
      once(response, 'drain', settled),
      once(response, 'close', settled).then(() => Promise.reject(gone())),
    ]);
  } finally {
    settled.abort();
  }
}

const gone = (): FsbError => new FsbError('cancelled', 'the client has left');

/** When all that is there at once has been told. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const lineText = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** With what a client sends as Last-Event-ID when it comes back. */
function eventText(value: unknown): string {
  const { seq, revision = seq } = value as { seq?: number; revision?: string };
  return `${revision ? `id: ${revision}\n` : ''}data: ${JSON.stringify(value)}\n\n`;
}

/** A comment now and then. @returns the way to end it */
function beat(response: ServerResponse, clock: Clock): () => void {
  let cancel = (): void => {};
  const again = (): void => {
    cancel = clock.after(HEARTBEAT, () => {
      // A client that does not read gets none: they would only pile up.
      if (!response.writableNeedDrain) response.write(': still here\n\n');
      again();
    });
  };
  again();
  return () => cancel();
}
