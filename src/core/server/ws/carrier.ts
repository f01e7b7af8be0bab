import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { FsbError } from '../../model/failure/errors.ts';
import { closeCodeOf, closeCodes, closeReason } from '../../wire/stream/close-codes.ts';
import { decodeFrame, type Frame, LARGEST_OUTPUT_WINDOW, subprotocols } from '../../wire/stream/frames.ts';
import { BUFFER_OVERHEAD } from '../../wire/stream/kept-frames.ts';
import type { StreamShare } from './stream-room.ts';
import { watchUnfinished } from './unfinished.ts';

/** Bytes of output that may wait inside this process for a socket without credit windows. */
const SOCKET_HIGH_WATER = 256 * 1024;
/** And for one with them, whose client is to say what it has read: it may lie. */
const OWN_HIGH_WATER = LARGEST_OUTPUT_WINDOW;
/** Frames of output that may wait: small ones take more memory than they have bytes. */
const MOST_FRAMES = 1024;
/** With so many, all but output among them, the client reads nothing and must not make us send more. */
const MOST_UNREAD_FRAMES = 2 * MOST_FRAMES;
/** What the library calls a connection that broke: nobody closed it. */
const BROKEN = 1006;

export interface CarrierEvents {
  /** What it throws ends the stream with a protocol error. */
  onFrame(frame: Frame): void;
  /** Once, last. `broken`: the client did not say that it leaves. */
  onGone(broken: boolean): void;
}

/** What carries the frames of a stream to its client and back. */
export interface Carrier {
  /** True when the client speaks the superset, with credit windows. */
  readonly own: boolean;
  /** What it holds is taken from this. */
  readonly share: StreamShare;
  /** To be called at once, and once. */
  use(events: CarrierEvents): void;
  send(frame: Buffer): void;
  /** Undefined when there is room for more; else resolves when there is. */
  flushed(frame: Buffer): Promise<void> | undefined;
  pause(): void;
  resume(): void;
  /** After the last frame. */
  finish(code: number, reason: string): void;
  /** At once: what was not delivered will not be. */
  close(code: number, reason: string): void;
}

/** One WebSocket connection. */
export class SocketCarrier implements Carrier {
  readonly own: boolean;
  readonly share: StreamShare;
  readonly #ws: WebSocket;
  /** Frames that are still inside this process. */
  #unsent = 0;
  /** Whether its owner wants no more. */
  #held = false;
  #closing = false;
  /** There is no memory for what it would say. */
  #isCutOff = false;

  /** @param socket that of `ws` */
  constructor(ws: WebSocket, socket: Duplex, share: StreamShare) {
    this.#ws = ws;
    this.share = share;
    this.own = ws.protocol === subprotocols.own;
    watchUnfinished(ws, socket, (bytes) => this.#receiving(bytes));
  }

  use(events: CarrierEvents): void {
    this.#ws.on('message', (message: Buffer, isBinary: boolean) => {
      try {
        // Kubernetes clients may send text as text.
        if (!isBinary && this.own)
          throw new FsbError('invalid_argument', 'a text message: frames are binary');
        events.onFrame(decodeFrame(message));
      } catch (error) {
        this.close(closeCodes.protocol, FsbError.from(error).message);
      }
    });
    this.#ws.on('close', (code: number) => events.onGone(code === BROKEN && !this.#isCutOff));
    // The library closes with the fitting code itself (1002, 1007, 1009); `close` follows.
    this.#ws.on('error', () => events.onGone(false));
  }

  send(frame: Buffer): void {
    this.#post(frame, () => {});
  }

  flushed(frame: Buffer): Promise<void> | undefined {
    const most = this.own ? OWN_HIGH_WATER : SOCKET_HIGH_WATER;
    if (this.#ws.bufferedAmount < most && this.#unsent < MOST_FRAMES) {
      this.send(frame);
      return undefined;
    }
    return new Promise((resolve) => this.#post(frame, resolve));
  }

  pause(): void {
    this.#held = true;
    this.#readOrNot();
  }

  resume(): void {
    this.#held = false;
    this.#readOrNot();
  }

  finish(code: number, reason: string): void {
    this.close(code, reason);
  }

  close(code: number, reason: string): void {
    // A paused socket would never see the client's half of the close.
    this.#closing = true;
    this.#readOrNot();
    this.#ws.close(code, closeReason(reason));
  }

  /** Of a message that is not whole so much more, or less, is here. */
  #receiving(bytes: number): void {
    try {
      this.share.incoming.take(bytes);
    } catch (error) {
      const { code, message } = FsbError.from(error);
      // The library cuts the connection a little later, for it does not see the client's half of the close.
      this.#isCutOff = true;
      this.close(closeCodeOf(code), message);
    }
  }

  #post(frame: Buffer, onSent: () => void): void {
    this.#unsent += 1;
    this.share.take(frame.length + BUFFER_OVERHEAD);
    // The callback comes with an error, too, when the socket breaks: either way there is nothing more to wait for.
    this.#ws.send(frame, { binary: true }, () => {
      this.#unsent -= 1;
      this.share.take(-frame.length - BUFFER_OVERHEAD);
      this.#readOrNot();
      onSent();
    });
    this.#readOrNot();
  }

  #readOrNot(): void {
    const reads = !this.#isCutOff && (this.#closing || !(this.#held || this.#unsent > MOST_UNREAD_FRAMES));
    if (reads === !this.#ws.isPaused) return;
    if (reads) this.#ws.resume();
    else this.#ws.pause();
  }
}
