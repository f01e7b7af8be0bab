import type { Clock } from '../../model/clock.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { channels, encodeReceived, type Frame } from '../../wire/stream/frames.ts';
import { Link } from '../../wire/stream/link.ts';
import type { Carrier, CarrierEvents, SocketCarrier } from './carrier.ts';
import type { StreamShare } from './stream-room.ts';

export interface LinkedCarrierEvents {
  /** Its connection broke. */
  onAway(): void;
  /** There is one again. */
  onBack(): void;
  /** Once, last: it will not be taken up again. */
  onOver(): void;
}

/**
 * Carries a stream over one connection after the other: when one breaks, everything waits a while for the client to come
 * back, and goes on where it was. A client that says that it leaves, or does not come back in time, is gone.
 */
export class LinkedCarrier implements Carrier {
  readonly own = true;
  readonly share: StreamShare;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #hooks: LinkedCarrierEvents;
  readonly #link: Link;
  #events: CarrierEvents | undefined;
  #current: SocketCarrier | undefined;
  #paused = false;
  /** Until a new connection has got what the one before has lost: all that comes meanwhile goes behind that. */
  #catchingUp: Promise<void> | undefined;
  #finished: { code: number; reason: string } | undefined;
  #isOver = false;
  #stopWaiting = (): void => {};

  /** @param patience milliseconds for a client to come back */
  constructor(share: StreamShare, clock: Clock, patience: number, hooks: LinkedCarrierEvents) {
    this.share = share;
    this.#link = new Link((bytes) => share.take(bytes));
    this.#clock = clock;
    this.#patience = patience;
    this.#hooks = hooks;
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
    this.#hooks.onBack();
    const earlier = this.#current;
    this.#take(socket);
    earlier?.close(closeCodes.goingAway, 'the stream goes on over another connection');
    socket.send(encodeReceived(this.#link.received));
    socket.send(this.#link.acknowledgement());
    if (this.#paused && this.#finished === undefined) socket.pause();
    this.#catchingUp = this.#catchUp(socket, frames);
  }

  send(frame: Buffer): void {
    const outgoing = this.#link.outgoing(frame);
    const isKept = outgoing === frame;
    if (!isKept || this.#catchingUp === undefined) this.#current?.send(outgoing);
  }

  /** While nobody is there, the window is all the room. */
  flushed(frame: Buffer): Promise<void> | undefined {
    const outgoing = this.#link.outgoing(frame);
    return this.#catchingUp ?? this.#current?.flushed(outgoing);
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
    if (this.#catchingUp === undefined) this.#current?.close(code, reason);
  }

  close(code: number, reason: string): void {
    this.#current?.close(code, reason);
    this.#end();
  }

  /** Undefined for a count that cannot be. */
  #framesAfter(received: number): Iterable<Buffer> | undefined {
    try {
      return this.#link.again(received);
    } catch {
      return undefined;
    }
  }

  /** At the pace of the client: it may have come back many times, and read nothing. */
  async #catchUp(socket: SocketCarrier, frames: Iterable<Buffer>): Promise<void> {
    // Not before its caller has noted that it is under way.
    await Promise.resolve();
    for (const frame of frames) {
      await socket.flushed(frame);
      if (this.#current !== socket || this.#isOver) return;
    }
    this.#catchingUp = undefined;
    if (this.#finished !== undefined) socket.close(this.#finished.code, this.#finished.reason);
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
      this.#current?.send(this.#link.acknowledgement());
  }

  #lose(broken: boolean): void {
    this.#current = undefined;
    this.#catchingUp = undefined;
    if (!broken || this.#isOver) {
      this.#end();
      return;
    }
    this.#stopWaiting = this.#clock.after(this.#patience, () => this.#end());
    this.#hooks.onAway();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#link.end();
    this.share.close();
    this.#hooks.onOver();
    this.#events?.onGone(false);
  }
}
