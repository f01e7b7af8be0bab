import type { ProcessSession, TerminalSize } from '../../model/process.ts';
import {
  channels,
  decodeResize,
  decodeSignal,
  encodeAck,
  type Frame,
  INPUT_WINDOW,
  malformed,
} from '../../wire/stream/frames.ts';
import { KeptFrames } from '../../wire/stream/kept-frames.ts';
import type { Connection } from './connection.ts';

/** For clients without a credit window the socket is read no further. */
const PAUSE_ABOVE = INPUT_WINDOW;
/**
 * Above what a client with one ever has on its way: pausing the socket of such a client would also stop
 * the signal that is to end the process which does not read.
 */
const PAUSE_OWN_ABOVE = 2 * INPUT_WINDOW;
/** Signals for a process that has not begun yet. */
const MOST_EARLY_SIGNALS = 64;

/** Where the input comes from, and is held back. */
export type Sender = Pick<Connection, 'own' | 'pause' | 'resume' | 'send' | 'hold'>;

/**
 * Carries what the client sends to a session: stdin in order and at the pace of the process, signals and sizes past
 * it at once. Frames may come before the session is there; what they take until then is bounded, however many come.
 */
export class ProcessInput {
  readonly #connection: Sender;
  readonly #mayControl: boolean;
  #session: ProcessSession | undefined;
  #size: TerminalSize | undefined;
  #signals: number[] = [];
  readonly #data: KeptFrames;
  readonly #pauseAbove: number;
  #ended = false;
  #isWriting = false;
  /** Bytes in `#data`, and one for each frame. */
  #waiting = 0;
  #consumed = 0;

  /**
   * @param session when it fails, whoever opened it says so, and its input goes nowhere
   * @param mayControl whether it takes sizes and signals
   */
  constructor(connection: Sender, session: Promise<ProcessSession>, mayControl = true) {
    this.#connection = connection;
    this.#mayControl = mayControl;
    this.#pauseAbove = connection.own ? PAUSE_OWN_ABOVE : PAUSE_ABOVE;
    this.#data = new KeptFrames((bytes) => connection.hold(bytes));
    session.then((opened) => this.#begin(opened)).catch(() => {});
  }

  /** @throws invalid_argument for frames that break the protocol; no_capacity, unavailable: no room for what waits */
  handle({ channel, payload }: Frame): void {
    if (channel === channels.stdin) this.#write(payload);
    else if (channel === channels.close && payload[0] === channels.stdin) this.#endInput();
    else if (channel === channels.resize && this.#mayControl) this.#resize(decodeResize(payload));
    else if (channel === channels.signal && this.#mayControl && this.#connection.own)
      this.#signal(decodeSignal(payload));
    else throw malformed(`a frame on channel ${channel}, which carries nothing to the core`);
  }

  #begin(session: ProcessSession): void {
    this.#session = session;
    if (this.#size !== undefined) this.#resize(this.#size);
    for (const signal of this.#signals) this.#signal(signal);
    this.#wake();
  }

  #resize(size: TerminalSize): void {
    const session = this.#session;
    if (session === undefined) this.#size = size;
    else attempt(() => session.resize(size));
  }

  #signal(signal: number): void {
    const session = this.#session;
    if (session !== undefined) attempt(() => session.signal(signal));
    else if (this.#signals.push(signal) > MOST_EARLY_SIGNALS)
      throw malformed(`more than ${MOST_EARLY_SIGNALS} signals for a process that has not begun`);
  }

  #write(data: Buffer): void {
    if (this.#ended) return;
    this.#waiting += data.length + 1;
    if (this.#waiting > this.#pauseAbove) this.#connection.pause();
    this.#data.push(data);
    this.#wake();
  }

  #endInput(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#session === undefined || this.#isWriting) return;
    this.#isWriting = true;
    void this.#writeAll(this.#session);
  }

  async #writeAll(session: ProcessSession): Promise<void> {
    for (const data of this.#data) {
      await session.write(data).catch(() => {});
      this.#data.drop(1);
      this.#wasTaken(data.length + 1);
    }
    this.#isWriting = false;
    if (this.#ended) attempt(() => session.endInput());
  }

  #wasTaken(bytes: number): void {
    this.#waiting -= bytes;
    this.#consumed += bytes;
    if (this.#waiting <= this.#pauseAbove) this.#connection.resume();
    if (this.#connection.own) this.#connection.send(encodeAck(this.#consumed));
  }
}

/** A session that failed tells through its output and exit; its input then goes nowhere. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // Told elsewhere.
  }
}
