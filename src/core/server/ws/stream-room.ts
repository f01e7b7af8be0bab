import type { Caller } from '../../model/caller.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { processMemory } from '../../model/process-memory.ts';
import { OUTPUT_WINDOW, PIECE } from '../../wire/stream/frames.ts';
import { Shares } from '../auth/shares.ts';
import type { BodyRoom } from '../body-room.ts';
import { Incoming } from './incoming.ts';

const MIB = 1024 * 1024;

/**
 * Bytes that a stream may always hold: a client may wait with an acknowledgement until a quarter of a window has come,
 * and frames of one byte take nearly twice as much as they count there.
 */
const GUARANTEED = (OUTPUT_WINDOW / 4) * 1.75;
/** What is set aside for each: with what it goes beyond that by, before it is held back. */
const RESERVED = GUARANTEED + PIECE;
/** Part of the memory of the process, for all streams together. */
const PART = 1 / 3;
const MOST = 2048 * MIB;

/** Of what the process may take. */
export const streamMemory = (): number => Math.min(processMemory() * PART, MOST);

/**
 * Memory for what streams hold: frames that clients have not read, or not said that they have. Three quarters are set
 * aside for the streams, so much for each, and are the limit of how many there may be. The last quarter is for whoever needs
 * more: when it is used up, who holds more than its own is held back, until others give back what they had.
 */
export class StreamRoom {
  /** How many streams there may be. */
  readonly most: number;
  readonly #shared: number;
  readonly #waiting = new Set<StreamShare>();
  readonly #open: Shares;
  readonly #bodies: BodyRoom;
  #taken = 0;

  /**
   * @param bytes for what all of them hold of what they send
   * @param bodies for long messages that they receive
   */
  constructor(bytes: number, bodies: BodyRoom) {
    this.#bodies = bodies;
    this.#shared = bytes / 4;
    this.most = Math.floor((bytes - this.#shared) / RESERVED);
    this.#open = new Shares(this.most);
  }

  /** Bytes that all streams hold. */
  get taken(): number {
    return this.#taken;
  }

  /** @throws no_capacity */
  assertForOne(caller: Caller): void {
    const lacking = this.#open.lacking(caller, 1);
    if (lacking === undefined) return;
    throw new FsbError(
      'no_capacity',
      lacking === 'one'
        ? `${caller.name} has ${this.#open.of(caller)} streams open, as many as one caller may have of this core's memory`
        : `${this.#open.all} streams are open, as many as this core has memory for`,
      { hint: 'Try again when others have ended, or give the core more memory.' },
    );
  }

  open(caller: Caller): StreamShare {
    this.#open.take(caller, 1);
    return new StreamShare(new Incoming(this.#bodies, caller), {
      take: (share, bytes) => this.#take(share, bytes),
      isPlenty: () => this.#taken <= this.#shared,
      wait: (share) => this.#waiting.add(share),
      close: (share) => {
        this.#open.take(caller, -1);
        this.#waiting.delete(share);
      },
    });
  }

  #take(share: StreamShare, bytes: number): void {
    this.#taken += bytes;
    if (bytes > 0) return;
    if (this.#taken <= this.#shared) for (const waiting of this.#waiting) this.#wake(waiting);
    else if (share.hasRoom && this.#waiting.has(share)) this.#wake(share);
  }

  #wake(share: StreamShare): void {
    this.#waiting.delete(share);
    share.onRoom();
  }
}

interface Terms {
  take(share: StreamShare, bytes: number): void;
  isPlenty(): boolean;
  wait(share: StreamShare): void;
  close(share: StreamShare): void;
}

/** What one stream has of the room. */
export class StreamShare {
  /** Called once after each `wait`, when there may be room. */
  onRoom: () => void = () => {};
  /** What came. */
  readonly incoming: Incoming;
  readonly #terms: Terms;
  #held = 0;
  #isClosed = false;

  constructor(incoming: Incoming, terms: Terms) {
    this.incoming = incoming;
    this.#terms = terms;
  }

  /** Whether it may take more. */
  get hasRoom(): boolean {
    return this.#held <= GUARANTEED || this.#terms.isPlenty();
  }

  /** @param bytes negative: gives them back, also after its close */
  take(bytes: number): void {
    this.#held += bytes;
    this.#terms.take(this, bytes);
  }

  wait(): void {
    this.#terms.wait(this);
  }

  /** There may be another stream. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.incoming.close();
    this.#terms.close(this);
  }
}
