import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { type Caller, hasScope } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { formatDuration, formatSize } from '../../model/quantity.ts';
import { type BodyRoom, LONGEST_OF_READER } from '../body-room.ts';

/** Bytes of the messages of who asks for health. */
const LONGEST_OF_STRANGER = 4 * 1024;
/** Milliseconds for a question to be whole: a message of several, or the one that there is, and its end. */
const WHOLE_TIME = 30_000;

export interface QuestionTerms {
  clock: Clock;
  room: BodyRoom;
  /** Whose share of the room it takes; undefined: nobody has asked who calls. */
  caller: Caller | undefined;
  /** More than one message may come, each of which makes room when it is whole; the next may begin at any time. */
  isStream: boolean;
  /** Ends the call. */
  refuse: (why: FsbError) => void;
}

/** Below a call of the library's own, which tells of whole messages only, and of nothing that was sent. */
export const streamOf = (call: ServerInterceptingCallInterface): ServerHttp2Stream =>
  (call as unknown as { stream: ServerHttp2Stream }).stream;

/** The library has a part of a message, and waits for the rest of it. */
const isMessageBegun = (call: ServerInterceptingCallInterface): boolean =>
  (call as unknown as { decoder: { readState: number } }).decoder.readState !== 0;

/**
 * What came of the messages of one call: the library keeps it until each of them is whole, however long that takes and however
 * many calls do the same.
 */
export class Question {
  readonly #terms: QuestionTerms;
  readonly #stream: ServerHttp2Stream;
  readonly #longest: number;
  readonly #isBegun: () => boolean;
  /** Undefined: nothing has to come. */
  #inTime: (() => void) | undefined;
  /** Bytes of the room that this one has. */
  #taken = 0;

  constructor(call: ServerInterceptingCallInterface, terms: QuestionTerms) {
    this.#terms = terms;
    this.#stream = streamOf(call);
    this.#longest = longestOf(terms.caller);
    this.#isBegun = () => isMessageBegun(call);
    this.#expect();
    this.#stream.on('data', this.#take);
    if (terms.isStream) this.#stream.on('resume', this.#goOn);
  }

  /** A message is whole. */
  came(): void {
    if (this.#terms.isStream) this.#giveBack();
  }

  /** No message comes any more. */
  complete(): void {
    this.#rest();
  }

  /** The call is over, and what came of it is forgotten. Idempotent. */
  end(): void {
    this.#rest();
    this.#stream.off('data', this.#take).off('resume', this.#goOn);
    // The library has what came of a message for as long as the stream is there, and its client may never end that.
    if (this.#taken > 0 && !this.#stream.readableEnded) this.#stream.close();
    this.#giveBack();
  }

  readonly #take = ({ length }: Buffer): void => {
    const { caller, room, refuse, isStream } = this.#terms;
    try {
      if (this.#taken + length > this.#longest) throw tooLong(this.#longest);
      if (caller !== undefined) room.take(caller, length);
      this.#taken += length;
    } catch (error) {
      this.#stream.off('data', this.#take);
      refuse(FsbError.from(error));
      return;
    }
    // The library has taken it already, and reads no more when a message was whole until somebody wants the next.
    if (isStream && this.#stream.isPaused()) this.#rest();
    else this.#goOn();
  };

  /** It is read again: what came behind the message before may be the beginning of another one. */
  readonly #goOn = (): void => {
    if (this.#isBegun()) this.#expect();
  };

  #expect(): void {
    const { clock, refuse } = this.#terms;
    this.#inTime ??= clock.after(WHOLE_TIME, () => refuse(tooSlow()));
  }

  #rest(): void {
    this.#inTime?.();
    this.#inTime = undefined;
  }

  #giveBack(): void {
    const { caller, room } = this.#terms;
    if (caller !== undefined) room.giveBack(caller, this.#taken);
    this.#taken = 0;
  }
}

function longestOf(caller: Caller | undefined): number {
  if (caller === undefined) return LONGEST_OF_STRANGER;
  return hasScope(caller, 'use') ? Number.POSITIVE_INFINITY : LONGEST_OF_READER;
}

const tooLong = (longest: number): FsbError =>
  new FsbError('invalid_argument', `the message is longer than ${formatSize(longest)}`);

const tooSlow = (): FsbError =>
  new FsbError('invalid_argument', `the message did not come within ${formatDuration(WHOLE_TIME)}`);
