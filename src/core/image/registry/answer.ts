import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { afterReading, type Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { Pace } from './pace.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  url: URL;
  /** To be read once, or discarded. @throws BrokenConnection; the signal's reason */
  body: AsyncIterable<Buffer>;
  /** Ends an answer that nobody reads, or not to its end. Idempotent. */
  discard(): void;
}

/** No answer came from this address, or not all of it; `cause` says why. */
export class BrokenConnection extends Error {
  readonly url: URL;

  constructor(url: URL, cause: unknown) {
    super('broken connection', { cause });
    this.url = url;
  }
}

export const broken = (url: URL, cause: unknown): Error =>
  cause instanceof FsbError ? cause : new BrokenConnection(url, cause);

/** Milliseconds. */
export const LONGEST_SILENCE = 30_000;

export const silence = (): Error => new Error(`nothing came for ${LONGEST_SILENCE / 1000} s`);

/** Bytes; milliseconds. */
const LONGEST_REST = 64 * 1024;
const LONGEST_DISCARD = 1500;

export interface AnswerTerms {
  url: URL;
  /** It may take its time as a whole, when it is one. */
  isLayer: boolean;
  clock: Clock;
  signal?: AbortSignal;
}

/** What a response is to whoever asked. */
export function answerOf(response: IncomingMessage, terms: AnswerTerms): Answer {
  return {
    status: response.statusCode!,
    headers: response.headers,
    url: terms.url,
    body: bodyOf(response, terms),
    discard: () => discard(response, terms.clock),
  };
}

/** Reads a short rest, so that the connection can be used again; a long or slow one is cut off. */
function discard(response: IncomingMessage, clock: Clock): void {
  if (response.destroyed) return;
  if (!(Number(response.headers['content-length']) <= LONGEST_REST)) return void response.destroy();
  response.once(
    'close',
    clock.after(LONGEST_DISCARD, () => response.destroy()),
  );
  response.resume();
}

async function* bodyOf(
  response: IncomingMessage,
  { url, isLayer, clock, signal }: AnswerTerms,
): AsyncGenerator<Buffer> {
  const pace = new Pace(clock, isLayer && [200, 206].includes(response.statusCode!));
  const aborted = (): void => void response.destroy(FsbError.from(signal?.reason));
  const chunks = response[Symbol.asyncIterator]();
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    for (;;) {
      throwIfAborted(signal);
      // Only while somebody waits for it: a reader may take its time.
      const stopWaiting = afterReading(clock, LONGEST_SILENCE, () => response.destroy(silence()));
      const next = await pace.measured(chunks.next()).finally(stopWaiting);
      if (next.done) return;
      yield next.value as Buffer;
    }
  } catch (error) {
    throw broken(url, error);
  } finally {
    signal?.removeEventListener('abort', aborted);
    response.destroy();
  }
}
