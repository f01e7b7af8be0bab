import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { abortable } from '../../model/async/abortable.ts';
import { type Caller, hasScope } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { formatDuration, formatSize } from '../../model/quantity.ts';
import { resultWithin } from '../../tools/run/time-limit.ts';
import { type BodyRoom, LONGEST_OF_READER } from '../body-room.ts';
import { HttpRefusal } from './respond.ts';

/** Bytes of a JSON body: a file of 10 MiB in base64 fits. */
const LONGEST_JSON = 16 * 1024 * 1024;
/** Bytes of one that says nothing. */
const LONGEST_EMPTY = 4 * 1024;
/** Milliseconds for a whole body to come. */
const WHOLE_TIME = 30_000;
/** Milliseconds for the next part of a long body, from when somebody wants it. */
const IDLE_TIME = 30_000;

/** How it is declared; ASCII is a part of it. */
const UTF_8 = ['utf-8', 'utf8', 'us-ascii'];

export interface BodyTerms {
  clock: Clock;
  room: BodyRoom;
  /** Whose share of the room it takes. */
  caller: Caller;
  /** When it is aborted nobody waits for the body, and nothing is to be done with it: what reads throws its reason. */
  signal: AbortSignal;
}

/** The body of one request; its server sets no deadline for it. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #clock: Clock;
  readonly #room: BodyRoom;
  readonly #caller: Caller;
  readonly #signal: AbortSignal;
  /** Bytes of the room that this one has. */
  #taken = 0;

  constructor(request: IncomingMessage, { clock, room, caller, signal }: BodyTerms) {
    this.#request = request;
    this.#clock = clock;
    this.#room = room;
    this.#caller = caller;
    this.#signal = signal;
  }

  /**
   * The JSON of a request; undefined when it has no body.
   * @throws invalid_argument: not declared as JSON, too long, cut off, too slow, not JSON; unavailable, no_capacity: no room for it
   */
  async json(): Promise<unknown> {
    return this.#parsed(await this.bytes(LONGEST_JSON));
  }

  /** Of what takes no body: undefined, or what was sent all the same. @throws as json() */
  async nothing(): Promise<unknown> {
    return this.#parsed(await this.bytes(LONGEST_EMPTY));
  }

  #parsed(bytes: Buffer): unknown {
    const text = bytes.toString('utf8');
    if (text.trim() === '') {
      this.release();
      return undefined;
    }
    // A web page can send a form or plain text to any address without asking first, but not JSON.
    this.assertType(['application/json']);
    this.#assertPlain();
    if (!isUtf8(bytes)) throw new FsbError('invalid_argument', 'the body is not valid UTF-8');
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new FsbError('invalid_argument', `the body is not valid JSON: ${(error as Error).message}`);
    }
  }

  /** What is read as what it is not may be valid all the same, and is something else. @throws invalid_argument */
  #assertPlain(): void {
    const { 'content-encoding': coding = 'identity', 'content-type': type = '' } = this.#request.headers;
    if (coding.toLowerCase() !== 'identity')
      throw new HttpRefusal(
        415,
        `a body with the content encoding ${JSON.stringify(coding)} is not taken here`,
        {
          headers: { 'accept-encoding': 'identity' },
          hint: 'Send it as it is, without a Content-Encoding.',
        },
      );
    const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type) ?? [];
    if (UTF_8.includes(charset.toLowerCase())) return;
    throw new HttpRefusal(415, `a body in the charset ${JSON.stringify(charset)} is not taken here`, {
      hint: 'Send it in UTF-8.',
    });
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
    this.#room.giveBack(this.#caller, this.#taken);
    this.#taken = 0;
  }

  /** The whole body. @throws invalid_argument: longer than `most` bytes, cut off, too slow; unavailable, no_capacity: no room for it */
  async bytes(most: number): Promise<Buffer> {
    const longest = hasScope(this.#caller, 'use') ? most : Math.min(most, LONGEST_OF_READER);
    if (Number(this.#request.headers['content-length'] ?? 0) > longest) throw tooLong(longest);
    const end = this.#clock.monotonic() + WHOLE_TIME;
    const chunks: Buffer[] = [];
    for await (const chunk of this.#chunks(() => end - this.#clock.monotonic(), WHOLE_TIME)) {
      if (this.#taken + chunk.length > longest) throw tooLong(longest);
      this.#room.take(this.#caller, chunk.length);
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
