import type { Instance } from '../../instance/instance.ts';
import type { Shape } from '../../model/sandbox/shape.ts';
import { type Breaker, closedBreaker } from '../decide/breaker.ts';
import type { Claim } from '../pool.ts';
import { ClaimTimes } from './claim-times.ts';
import type { DemandWindow } from './demand-window.ts';
import type { SlotState } from './slot-state.ts';

/** One instance of the pool and the room it holds, from before its boot to the end of its teardown. */
export class Slot {
  readonly record: ShapeRecord;
  /** Bytes that it counts for in the budget: its holder may have had its limit changed. */
  memory: number;
  state: SlotState = 'out';
  /** Monotonic milliseconds of the last change of state. */
  since = 0;
  /** Undefined until it has booted. */
  instance: Instance | undefined;
  /** Of whoever has it now; undefined while nobody has, and once it was given back. */
  claim: Claim | undefined;
  /** Monotonic milliseconds when it became ready, or was adopted. */
  readyAt = 0;
  /** It lived before this core. */
  adopted = false;
  /** See Past. */
  used = false;
  warmedUpWith: readonly string[] | undefined;
  /** Its ttl is longer or shorter by this part of it, so that those that came together do not go together. */
  readonly jitter: number;
  /** Older than max_age: it goes as soon as a younger one is there for it. */
  retiring = false;
  /** A pause is under way, or a resume that no claim asked for. */
  pausing = false;
  paused = false;
  /** Ends a boot under way. */
  abortBoot: ((cause: Error) => void) | undefined;
  /** Somebody waits for the boot under way. */
  hurryBoot: (() => void) | undefined;
  /** Resolves when the room is free again, or the first try to destroy it failed; set once it is stopping. */
  gone: Promise<void> | undefined;
  resolveGone: (() => void) | undefined;
  /** A try to destroy it has failed. */
  stuck = false;
  /** It goes to make room for a waiter. */
  makesRoom = false;

  /** `jitter`: -0.1 to 0.1 */
  constructor(record: ShapeRecord, jitter: number) {
    this.record = record;
    this.memory = record.memory;
    this.jitter = jitter;
  }
}

/** Everything the pool knows about one shape. */
export class ShapeRecord {
  readonly key: string;
  readonly shape: Shape;
  image: string;
  /** In the order in which they became idle. */
  readonly idle: Slot[] = [];
  /** In the order in which they began. */
  readonly booting = new Set<Slot>();
  readonly stopping = new Set<Slot>();
  /** Idle ones that are too old. */
  retiring = 0;
  /** No idle one that is not retiring became ready earlier: monotonic milliseconds. */
  oldestReady = Number.POSITIVE_INFINITY;
  /** Claimed, being claimed, and being given back. */
  claimed = 0;
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
  /** Kept while the pool scales by demand. */
  demand: DemandWindow | undefined;

  constructor(key: string, shape: Shape, image: string) {
    this.key = key;
    this.shape = shape;
    this.image = image;
  }

  /** Bytes that one instance counts for in the budget, as it is booted. */
  get memory(): number {
    return this.shape.resources.memory;
  }

  /** Idle + claimed + booting + stopping. */
  get held(): number {
    return this.idle.length + this.claimed + this.booting.size + this.stopping.size;
  }

  /**
   * Nothing lives, nothing is wanted, nothing holds it back. A breaker that waits for its trial is forgotten with it: with
   * nobody to try, it would wait for ever.
   */
  get unused(): boolean {
    if (this.held + this.warm > 0) return false;
    return this.boots.phase !== 'open' && this.refills.phase !== 'open';
  }

  /** Marks idle ones that became ready at `readyBefore` or earlier. */
  retire(readyBefore: number): void {
    if (this.oldestReady > readyBefore) return;
    this.oldestReady = Number.POSITIVE_INFINITY;
    for (const slot of this.idle) {
      if (slot.retiring) continue;
      if (slot.readyAt > readyBefore) this.oldestReady = Math.min(this.oldestReady, slot.readyAt);
      else {
        slot.retiring = true;
        this.retiring += 1;
      }
    }
  }

  /** The one place where a slot changes its state, so that every instance is counted once, whatever happens to it. */
  move(slot: Slot, to: SlotState, now: number): void {
    this.#leave(slot);
    slot.state = to;
    slot.since = now;
    this.#enter(slot);
  }

  #leave(slot: Slot): void {
    switch (slot.state) {
      case 'booting':
        this.booting.delete(slot);
        return;
      case 'idle':
        this.#removeIdle(slot);
        if (slot.retiring) this.retiring -= 1;
        slot.retiring = false;
        return;
      case 'claiming':
      case 'claimed':
      case 'returning':
        this.claimed -= 1;
        return;
      case 'stopping':
        this.stopping.delete(slot);
        return;
      case 'out':
        return;
    }
  }

  #enter(slot: Slot): void {
    switch (slot.state) {
      case 'booting':
        this.booting.add(slot);
        return;
      case 'idle':
        this.idle.push(slot);
        this.oldestReady = Math.min(this.oldestReady, slot.readyAt);
        return;
      case 'claiming':
      case 'claimed':
      case 'returning':
        this.claimed += 1;
        return;
      case 'stopping':
        this.stopping.add(slot);
        return;
      case 'out':
        return;
    }
  }

  /** A claim takes the last: that must not look through all of them. */
  #removeIdle(slot: Slot): void {
    const index = this.idle.lastIndexOf(slot);
    if (index >= 0) this.idle.splice(index, 1);
  }
}
