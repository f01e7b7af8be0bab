import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../model/clock.ts';
import { FsbError } from '../../../model/errors.ts';

/** Milliseconds without a word after which a stream of events says that it is still there. */
const HEARTBEAT = 15_000;

const LINES = 'application/x-ndjson; charset=utf-8';
const EVENTS = 'text/event-stream; charset=utf-8';

/** Whether the client wants server-sent events rather than lines. */
const wantsEvents = (accept = ''): boolean => accept.includes('text/event-stream');

/**
 * A document a line, or an event each, at the pace of the client. The head goes out with the first one, so that a failure
 * before it has its own status; one that comes later is the last line. `waits`: the head goes out at once, for the first
 * one may be long in coming.
 */
export async function sendLines(
  response: ServerResponse,
  lines: AsyncIterable<unknown>,
  { accept, waits, clock }: { accept?: string; waits: boolean; clock: Clock },
): Promise<void> {
  const asEvents = wantsEvents(accept);
  const begin = (): void => {
    if (response.headersSent) return;
    head(response, asEvents ? EVENTS : LINES);
    response.flushHeaders();
  };
  const write = (value: unknown): Promise<void> =>
    put(response, asEvents ? eventText(value) : lineText(value));
  const stop = asEvents ? beat(response, clock) : () => {};
  if (waits) begin();
  try {
    for await (const line of lines) {
      begin();
      await write(line);
    }
    begin();
  } catch (error) {
    if (!response.headersSent || response.destroyed) throw error;
    await write({ error: FsbError.from(error).toBody() });
  } finally {
    stop();
  }
  response.end();
}

/** Bytes as they come. A failure cuts the answer off, so that nobody takes it for whole. */
export async function sendBytes(response: ServerResponse, chunks: AsyncIterable<Buffer>): Promise<void> {
  head(response, 'text/plain; charset=utf-8');
  response.flushHeaders();
  for await (const chunk of chunks) await put(response, chunk);
  response.end();
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

const lineText = (value: unknown): string => `${JSON.stringify(value)}\n`;

function eventText(value: unknown): string {
  const { seq } = value as { seq?: number };
  return `${seq === undefined ? '' : `id: ${seq}\n`}data: ${JSON.stringify(value)}\n\n`;
}

/** A comment now and then. @returns the way to end it */
function beat(response: ServerResponse, clock: Clock): () => void {
  let cancel = (): void => {};
  const again = (): void => {
    cancel = clock.after(HEARTBEAT, () => {
      // A client that does not read gets none: they would only pile up.
      if (response.headersSent && !response.writableNeedDrain) response.write(': still here\n\n');
      again();
    });
  };
  again();
  return () => cancel();
}
