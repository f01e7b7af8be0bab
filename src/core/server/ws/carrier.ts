import type { WebSocket } from 'ws';
import { FsbError } from '../../model/errors.ts';
import { closeCodes, closeReason } from '../../wire/stream/close-codes.ts';
import { decodeFrame, type Frame, subprotocols } from '../../wire/stream/frames.ts';

/** Bytes that may wait inside this process for a socket without credit windows. */
const SOCKET_HIGH_WATER = 256 * 1024;
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
  /** To be called at once, and once. */
  use(events: CarrierEvents): void;
  send(frame: Buffer): void;
  /** Undefined when the client has a window; else resolves when there is room for more. */
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
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    this.own = ws.protocol === subprotocols.own;
  }

  use(events: CarrierEvents): void {
    this.#ws.on('message', (message: Buffer, isBinary: boolean) => {
      try {
        if (!isBinary) throw new FsbError('invalid_argument', 'a text message: frames are binary');
        events.onFrame(decodeFrame(message));
      } catch (error) {
        this.close(closeCodes.protocol, FsbError.from(error).message);
      }
    });
    this.#ws.on('close', (code: number) => events.onGone(code === BROKEN));
    // The library closes with the fitting code itself (1002, 1007, 1009); `close` follows.
    this.#ws.on('error', () => events.onGone(false));
  }

  send(frame: Buffer): void {
    this.#ws.send(frame, { binary: true });
  }

  flushed(frame: Buffer): Promise<void> | undefined {
    if (this.own || this.#ws.bufferedAmount < SOCKET_HIGH_WATER) {
      this.send(frame);
      return undefined;
    }
    // The callback comes with an error, too, when the socket breaks: either way there is nothing more to wait for.
    return new Promise((resolve) => this.#ws.send(frame, { binary: true }, () => resolve()));
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  finish(code: number, reason: string): void {
    this.close(code, reason);
  }

  close(code: number, reason: string): void {
    // A paused socket would never see the client's half of the close.
    this.#ws.resume();
    this.#ws.close(code, closeReason(reason));
  }
}
