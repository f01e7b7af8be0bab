import { constants } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Caller } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { UnreadAnswers } from '../auth/unread-answers.ts';
import { messageLength } from './message-length.ts';
import { streamOf } from './question.ts';

/** Milliseconds for the status of a stream that has begun: it waits for what its client reads. */
const REFUSAL_TIME = 10_000;

export interface AnswerTerms {
  clock: Clock;
  answers: UnreadAnswers;
  /** Whose share of them it takes; undefined: nobody has asked who calls. */
  caller: Caller | undefined;
  /** Of a stream, which waits for who reads it and sends one message at a time. */
  isStream: boolean;
  /** Ends the call. */
  refuse: (why: FsbError) => void;
}

/** What is answered to one call, counted until nothing of it is left here: its client may read others of the connection, or nothing. */
export class Answer {
  readonly #terms: AnswerTerms;
  readonly #call: ServerInterceptingCallInterface;
  #begin = (): void => {};
  #taken = (): void => {};
  #cutInTime = (): void => {};

  constructor(call: ServerInterceptingCallInterface, terms: AnswerTerms) {
    this.#call = call;
    this.#terms = terms;
  }

  /**
   * Keeps the head of the answer, which the library sends right before the first message. One that is refused has none: its
   * status is told at once then, whatever its client reads.
   */
  head(send: () => void): void {
    this.#begin = send;
  }

  message(message: unknown, send: (message: unknown) => void): void {
    this.#taken();
    const { answers, caller, clock, refuse } = this.#terms;
    try {
      // Before it is made.
      if (caller !== undefined) answers.assertRoom(caller, messageLength(message));
    } catch (error) {
      refuse(FsbError.from(error));
      this.#cutInTime = clock.after(REFUSAL_TIME, this.#cut);
      return;
    }
    this.#begin();
    this.#begin = () => {};
    send(message);
    if (caller !== undefined) this.#taken = this.#hold(caller);
  }

  /** The call is over. Idempotent. */
  end(): void {
    this.#cutInTime();
    this.#taken();
  }

  #hold(caller: Caller): () => void {
    const { answers, isStream } = this.#terms;
    const stream = streamOf(this.#call);
    if (!isStream) return answers.hold(caller, stream.writableLength, this.#cut);
    const taken = answers.holdPart(caller, stream.writableLength, this.#cut);
    stream.once('drain', taken);
    return () => {
      stream.off('drain', taken);
      taken();
    };
  }

  readonly #cut = (): void => streamOf(this.#call).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}
