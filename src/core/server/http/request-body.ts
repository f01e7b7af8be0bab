import type { IncomingMessage } from 'node:http';
import { abortable } from '../../model/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { formatDuration, formatSize } from '../../model/quantity.ts';
import { resultWithin } from '../../tools/run/time-limit.ts';
import type { BodyRoom } from './body-room.ts';
import { HttpRefusal } from './respond.ts';

/** Bytes of a JSON body: a file of 10 MiB in base64 fits. */
const LONGEST_JSON = 16 * 1024 * 1024;
/** Milliseconds for a whole body to come. */
const WHOLE_TIME = 30_000;
/** Milliseconds for the next part of a long body, from when somebody wants it. */
const IDLE_TIME = 30_000;

/** The body of one request; its server sets no deadline for it. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #clock: Clock;
  readonly #room: BodyRoom;
  readonly #signal: AbortSignal;
  /** Bytes of the room that this one has. */
  #taken = 0;

  /** @param signal nobody waits for it, and nothing is done with it, when that is aborted: what reads then throws its reason */
  constructor(request: IncomingMessage, clock: Clock, room: BodyRoom, signal: AbortSignal) {
    this.#request = request;
    this.#clock = clock;
    this.#room = room;
    this.#signal = signal;
  }

  /**
   * The JSON of a request; undefined when it has no body.
   * @throws invalid_argument: not declared as JSON, too long, cut off, too slow, not JSON; unavailable: no room for it
   */
  async json(): Promise<unknown> {
    const text = (await this.bytes(LONGEST_JSON)).toString('utf8');
    if (text.trim() === '') return undefined;
    // A web page can send a form or plain text to any address without asking first, but not JSON.
    this.assertType(['application/json']);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new FsbError('invalid_argument', `the body is not valid JSON: ${(error as Error).message}`);
    }
  }

  /** The body as it comes. @throws invalid_argument: cut off, nothing came for IDLE_TIME */
  chunks(): AsyncGenerator<Buffer> {
    return this.#chunks(() => IDLE_TIME, IDLE_TIME);
  }

  /** @throws invalid_argument */
  assertType(accepted: readonly string[]): void {
    const said = (this.#request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
    if (accepted.includes(said)) return;
    throw new HttpRefusal(415, `the content type ${JSON.stringify(said)} is not taken here`, {
      hint: `Send the header Content-Type: ${accepted[0]}.`,
    });
  }

  /** Gives the room back, when the request is answered: until then what the body said is in memory. Idempotent. */
  release(): void {
    this.#room.giveBack(this.#taken);
    this.#taken = 0;
  }

  /** The whole body. @throws invalid_argument: longer than `longest` bytes, cut off, too slow; unavailable: no room for it */
  async bytes(longest: number): Promise<Buffer> {
    if (Number(this.#request.headers['content-length'] ?? 0) > longest) throw tooLong(longest);
    const end = this.#clock.monotonic() + WHOLE_TIME;
    const chunks: Buffer[] = [];
    for await (const chunk of this.#chunks(() => end - this.#clock.monotonic(), WHOLE_TIME)) {
      if (this.#taken + chunk.length > longest) throw tooLong(longest);
      this.#room.take(chunk.length);
      this.#taken += chunk.length;
      chunks.push(chunk);
    }
    throwIfAborted(this.#signal);
    return Buffer.concat(chunks, this.#taken);
  }

  /**
   * Whoever leaves early can still answer: the rest is read and dropped with the answer.
   * @param timeLeft milliseconds for the next part
   */
  async *#chunks(timeLeft: () => number, limit: number): AsyncGenerator<Buffer> {
    const signal = this.#signal;
    const source: AsyncIterator<Buffer> = this.#request.iterator({ destroyOnReturn: false });
    try {
      for (;;) {
        const part = abortable(source.next(), signal).catch((cause: unknown) => ({
          cut: signal.aborted ? FsbError.from(signal.reason) : cutOff(cause),
        }));
        const came = await resultWithin(this.#clock, timeLeft(), part);
        if (came === undefined) throw tooSlow(limit);
        if ('cut' in came) throw came.cut;
        if (came.done) return;
        yield came.value;
      }
    } finally {
      // Not waited for: it would wait for the part that did not come.
      void source.return?.();
    }
  }
}

const cutOff = (cause: unknown): FsbError =>
  new FsbError('invalid_argument', 'the body ended before all of it had come', { cause });

const tooSlow = (limit: number): FsbError =>
  new FsbError('invalid_argument', `the body did not come within ${formatDuration(limit)}`);

const tooLong = (longest: number): FsbError =>
  new HttpRefusal(413, `the body is longer than ${formatSize(longest)}`);
