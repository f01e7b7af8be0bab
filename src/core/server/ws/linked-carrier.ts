import type { Clock } from '../../model/clock.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { channels, encodeReceived, type Frame } from '../../wire/stream/frames.ts';
import { Link } from '../../wire/stream/link.ts';
import type { Carrier, CarrierEvents, SocketCarrier } from './carrier.ts';

/**
 * Carries a stream over one connection after the other: when one breaks, everything waits a while for the client to come
 * back, and goes on where it was. A client that says that it leaves, or does not come back in time, is gone.
 */
export class LinkedCarrier implements Carrier {
  readonly own = true;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #onOver: () => void;
  readonly #link = new Link();
  #events: CarrierEvents | undefined;
  #current: SocketCarrier | undefined;
  #paused = false;
  #finished: { code: number; reason: string } | undefined;
  #isOver = false;
  #stopWaiting = (): void => {};

  /**
   * @param patience milliseconds for a client to come back
   * @param onOver called once, when it will not be taken up again
   */
  constructor(clock: Clock, patience: number, onOver: () => void) {
    this.#clock = clock;
    this.#patience = patience;
    this.#onOver = onOver;
  }

  use(events: CarrierEvents): void {
    this.#events = events;
  }

  /** The first connection. */
  begin(socket: SocketCarrier): void {
    this.#take(socket);
  }

  /** A further one; an earlier one that is still there broke, although that was not noticed. */
  goOn(socket: SocketCarrier, received: number): void {
    if (!socket.own) {
      socket.close(closeCodes.protocol, 'only fsb.v1 can go on with a stream');
      return;
    }
    const frames = this.#framesAfter(received);
    if (frames === undefined) {
      socket.close(closeCodes.protocol, 'so many frames were never sent');
      return;
    }
    this.#stopWaiting();
    const earlier = this.#current;
    this.#take(socket);
    earlier?.close(closeCodes.goingAway, 'the stream goes on over another connection');
    socket.send(encodeReceived(this.#link.received));
    for (const frame of frames) socket.send(frame);
    if (this.#finished !== undefined) socket.close(this.#finished.code, this.#finished.reason);
    else if (this.#paused) socket.pause();
  }

  send(frame: Buffer): void {
    this.#sendNow(this.#link.outgoing(frame));
  }

  /** While nobody is there, the window is all the room. */
  flushed(frame: Buffer): Promise<void> | undefined {
    const outgoing = this.#link.outgoing(frame);
    return this.#current?.flushed(outgoing);
  }

  pause(): void {
    this.#paused = true;
    this.#current?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#current?.resume();
  }

  /** The last frames are kept for a client that comes back for them. */
  finish(code: number, reason: string): void {
    this.#finished = { code, reason };
    this.#current?.close(code, reason);
  }

  close(code: number, reason: string): void {
    this.#current?.close(code, reason);
    this.#end();
  }

  /** Undefined for a count that cannot be. */
  #framesAfter(received: number): Buffer[] | undefined {
    try {
      return this.#link.again(received);
    } catch {
      return undefined;
    }
  }

  #take(socket: SocketCarrier): void {
    this.#current = socket;
    socket.use({
      onFrame: (frame) => {
        if (this.#current === socket && !this.#isOver) this.#receive(frame);
      },
      onGone: (broken) => {
        if (this.#current === socket) this.#lose(broken);
      },
    });
  }

  #receive(frame: Frame): void {
    this.#events?.onFrame(this.#link.incoming(frame));
    // Input is acknowledged when it is consumed, which tells this as well.
    if (frame.channel !== channels.ack && frame.channel !== channels.stdin)
      this.#sendNow(this.#link.acknowledgement());
  }

  #lose(broken: boolean): void {
    this.#current = undefined;
    if (!broken || this.#isOver) this.#end();
    else this.#stopWaiting = this.#clock.after(this.#patience, () => this.#end());
  }

  #sendNow(frame: Buffer): void {
    this.#current?.send(frame);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#onOver();
    this.#events?.onGone(false);
  }
}
