import type { Caller } from '../../model/caller.ts';
import { INPUT_WINDOW } from '../../wire/stream/frames.ts';
import type { BodyRoom } from '../body-room.ts';

/**
 * Bytes of it that each stream may always have: what a client with a credit window has on its way, a piece beyond that, and what
 * the core needs around it.
 */
export const OWN_INCOMING = INPUT_WINDOW * 1.75;

/** What has come of one stream and is still in memory: messages that are not whole, input that waits, its request. Of more than its own it has a part of the memory for the bodies of calls. */
export class Incoming {
  readonly #room: BodyRoom;
  readonly #caller: Caller;
  #bytes = 0;
  #isClosed = false;

  constructor(room: BodyRoom, caller: Caller) {
    this.#room = room;
    this.#caller = caller;
  }

  /**
   * Nothing happens after its close.
   * @param bytes negative: gives them back
   * @throws no_capacity, unavailable: there is no room, and they are not counted
   */
  take(bytes: number): void {
    if (this.#isClosed) return;
    const more = beyond(this.#bytes + bytes) - beyond(this.#bytes);
    if (more > 0) this.#room.take(this.#caller, more);
    else this.#room.giveBack(this.#caller, -more);
    this.#bytes += bytes;
  }

  /** Gives all of it back. Idempotent. */
  close(): void {
    this.take(-this.#bytes);
    this.#isClosed = true;
  }
}

const beyond = (bytes: number): number => Math.max(0, bytes - OWN_INCOMING);
