import type { Instance } from '../../instance/instance.ts';
import { type Shape, shapeKey } from '../../model/shape.ts';
import { ClaimTimes } from '../claims/claim-times.ts';
import { type Breaker, closedBreaker } from '../decide/breaker.ts';

/** `claiming` is between being taken and the answer to the caller: the health check. */
type SlotState = 'booting' | 'idle' | 'claiming' | 'claimed' | 'stopping';

/** One instance of the pool and the room it holds, from before its boot to the end of its teardown. */
export interface Slot {
  readonly record: ShapeRecord;
  state: SlotState;
  /** Undefined until it has booted. */
  instance?: Instance;
  /** Monotonic milliseconds when it became ready. */
  readyAt: number;
  /** Ends a boot under way. */
  abortBoot?: (cause: Error) => void;
  /** Settles when the room is free again; set once it is stopping. */
  gone?: Promise<void>;
  evicted: boolean;
}

/** Everything the pool knows about one shape. */
export class ShapeRecord {
  readonly key: string;
  readonly shape: Shape;
  image: string;
  /** Oldest first: the newest, at the end, is taken first. */
  readonly idle: Slot[] = [];
  booting = 0;
  /** Claimed, and being claimed. */
  claimed = 0;
  stopping = 0;
  /** Each is called once, when nothing of the shape is stopping any more. */
  readonly stoppedCallbacks: (() => void)[] = [];
  warm = 0;
  /** Monotonic milliseconds of the latest claim. */
  lastUse = Number.NEGATIVE_INFINITY;
  /** Failed boots. */
  boots: Breaker = closedBreaker;
  /** Instances that died right after their boot: only boots that nobody waits for are held back. */
  refills: Breaker = closedBreaker;
  cancelBootsTimer: (() => void) | undefined;
  cancelRefillsTimer: (() => void) | undefined;
  hits = 0;
  misses = 0;
  evicted = 0;
  readonly times = new ClaimTimes();

  constructor(key: string, shape: Shape, image: string) {
    this.key = key;
    this.shape = shape;
    this.image = image;
  }

  /** Bytes that one instance counts for in the budget. */
  get memory(): number {
    return this.shape.resources.memory;
  }

  /** Nothing lives, nothing is wanted, nothing is held against it. */
  get unused(): boolean {
    const held = this.idle.length + this.booting + this.claimed + this.stopping + this.warm;
    return held === 0 && this.boots.phase === 'closed' && this.refills.phase === 'closed';
  }
}

// Counters of shapes that nobody uses any more are kept for `pool status`, but not of every shape there ever was.
const MOST_RECORDS = 256;

export class ShapeRecords {
  readonly #byKey = new Map<string, ShapeRecord>();
  readonly #wanted: (key: string) => boolean;

  /** `wanted`: somebody waits for the shape. */
  constructor(wanted: (key: string) => boolean) {
    this.#wanted = wanted;
  }

  of(shape: Shape, image: string): ShapeRecord {
    const key = shapeKey(shape);
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      // Adopted instances bring no name but the digest.
      if (known.image === known.shape.image) known.image = image;
      return known;
    }
    this.#forgetUnused();
    const record = new ShapeRecord(key, shape, image);
    this.#byKey.set(key, record);
    return record;
  }

  get(key: string): ShapeRecord {
    return this.#byKey.get(key)!;
  }

  all(): ShapeRecord[] {
    return [...this.#byKey.values()];
  }

  #forgetUnused(): void {
    if (this.#byKey.size < MOST_RECORDS) return;
    const unused = this.all().filter((record) => record.unused && !this.#wanted(record.key));
    const stalest = unused.sort((a, b) => a.lastUse - b.lastUse)[0];
    if (stalest !== undefined) this.#byKey.delete(stalest.key);
  }
}
