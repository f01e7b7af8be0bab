import type { ProcessSession } from '../../model/process.ts';
import {
  channels,
  decodeResize,
  decodeSignal,
  encodeAck,
  type Frame,
  INPUT_WINDOW,
  malformed,
} from '../../wire/stream/frames.ts';
import type { Connection } from './connection.ts';

/**
 * Above what a client with a credit window ever has on its way: pausing the socket of such a client would also stop
 * the signal that is to end the process which does not read.
 */
const PAUSE_ABOVE = 2 * INPUT_WINDOW;

/**
 * Carries what the client sends to a session: stdin in order and at the pace of the process, signals and sizes past
 * it at once. Frames may come before the session is there.
 */
export class ProcessInput {
  readonly #connection: Connection;
  readonly #session: Promise<ProcessSession>;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #consumed = 0;

  constructor(connection: Connection, session: Promise<ProcessSession>) {
    this.#connection = connection;
    this.#session = session;
  }

  /** @throws invalid_argument for frames that break the protocol */
  handle({ channel, payload }: Frame): void {
    if (channel === channels.stdin) this.#write(payload);
    else if (channel === channels.close && payload[0] === channels.stdin)
      this.#inOrder((session) => session.endInput());
    else if (channel === channels.resize)
      this.#atOnce(decodeResize(payload), (session, size) => session.resize(size));
    else if (channel === channels.signal && this.#connection.own)
      this.#atOnce(decodeSignal(payload), (session, signal) => session.signal(signal));
    else throw malformed(`a frame on channel ${channel}, which carries nothing to the core`);
  }

  #write(data: Buffer): void {
    this.#waiting += data.length + 1;
    if (this.#waiting > PAUSE_ABOVE) this.#connection.pause();
    this.#inOrder(async (session) => {
      await session.write(data);
      this.#waiting -= data.length + 1;
      this.#consumed += data.length + 1;
      if (this.#waiting <= PAUSE_ABOVE) this.#connection.resume();
      if (this.#connection.own) this.#connection.send(encodeAck(this.#consumed));
    });
  }

  #inOrder(step: (session: ProcessSession) => void | Promise<void>): void {
    // A session that failed tells through its output and exit; its input then goes nowhere.
    this.#tail = this.#tail.then(async () => step(await this.#session)).catch(() => {});
  }

  #atOnce<T>(value: T, step: (session: ProcessSession, value: T) => void): void {
    this.#session.then((session) => step(session, value)).catch(() => {});
  }
}
