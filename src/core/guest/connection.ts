import { connect, type Socket } from 'node:net';
import { FsbError } from '../model/failure/errors.ts';
import { encodeCoreFrame } from './protocol/core-frames.ts';
import { FrameDecoder } from './protocol/frame-decoder.ts';
import { type CoreFrame, type GuestFrame, LONGEST_FROM_GUEST } from './protocol/frames.ts';
import { decodeGuestFrame } from './protocol/guest-frames.ts';

/** Bytes that may wait for a guest that does not read. Windows keep honest traffic far below it. */
const LONGEST_BACKLOG = 16 * 1024 * 1024;

/**
 * Where all connections read to: what came is handled before anything else is read. A buffer for every read would be
 * garbage at the rate of the output, and one for every connection memory that idle instances never use.
 */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export interface FrameReceiver {
  /** The frame's data is valid during the call only. May throw: that ends the connection with this error as the reason. */
  onFrame(frame: GuestFrame): void;
  /** Called once, when nothing more will come. */
  onGone(reason: Error): void;
}

/** A socket that carries frames: whatever goes wrong on it is one reason, told once to the receiver of the moment. */
export class GuestConnection {
  readonly #socket: Socket;
  #receiver: FrameReceiver;
  #gone: Error | undefined;

  constructor(path: string, receiver: FrameReceiver) {
    this.#receiver = receiver;
    const decoder = new FrameDecoder(LONGEST_FROM_GUEST, (type, process, payload) => {
      if (!this.#gone) this.#receiver.onFrame(decodeGuestFrame(type, process, payload));
    });
    const callback = (length: number): boolean => {
      if (this.#gone) return true;
      try {
        decoder.feed(readBuffer.subarray(0, length));
      } catch (error) {
        this.fail(FsbError.from(error));
      }
      return true;
    };
    this.#socket = connect({ path, onread: { buffer: readBuffer, callback } });
    this.#socket.on('error', (error) => this.fail(error));
    this.#socket.on('end', () => this.fail(new Error('the guest closed the connection')));
    this.#socket.on('close', () => this.fail(new Error('the connection is closed')));
  }

  /** Who hears of the frames from the next one on. */
  set receiver(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Nothing happens when the connection is gone: its receiver was told. */
  send(frame: CoreFrame): void {
    this.sendEncoded(encodeCoreFrame(frame));
  }

  sendEncoded(frame: Buffer): void {
    if (this.#gone) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > LONGEST_BACKLOG)
      this.fail(new Error('the guest does not read what it is sent'));
  }

  /** Ends it at once. Idempotent: the first reason counts. */
  fail(reason: Error): void {
    if (this.#gone) return;
    this.#gone = reason;
    this.#socket.destroy();
    this.#receiver.onGone(reason);
  }

  /** Ends it after everything that was sent is with the kernel. The receiver is told at once. Idempotent. */
  finish(reason: Error): void {
    if (this.#gone) return;
    this.#gone = reason;
    this.#socket.destroySoon();
    this.#receiver.onGone(reason);
  }

  /** Resolves when the socket is closed; one that cannot be flushed is cut off when `cut` resolves. */
  async released(cut: Promise<void>): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
    });
    await Promise.race([closed, cut]);
    this.#socket.destroy();
    await closed;
  }
}
