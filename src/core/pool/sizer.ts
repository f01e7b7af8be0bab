import type { Clock } from '../model/clock.ts';
import type { PoolPolicy } from '../model/pool.ts';
import type { ShapeHealth } from './care/shape-health.ts';
import type { WaitQueue } from './claims/wait-queue.ts';
import { chooseOverdraft, chooseVictims, type EvictionCandidate } from './decide/eviction.ts';
import { planSize, type SizingPlan } from './decide/sizing.ts';
import type { Budget, Room } from './fleet/budget.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { ShapeRecord, Slot } from './fleet/shape-record.ts';
import type { ShapeRecords } from './fleet/shape-records.ts';
import type { PoolEvents } from './report/pool-events.ts';

export interface SizerOptions {
  policy: () => PoolPolicy;
  /** Whether anything is kept warm at all. */
  warming: () => boolean;
  records: ShapeRecords;
  fleet: Fleet;
  queue: WaitQueue<Slot>;
  budget: Budget;
  health: ShapeHealth;
  events: PoolEvents;
  /** Told when the next shape is no longer in recent use. */
  watch: (due: number) => void;
  clock: Clock;
}

/** Carries out what the sizing decides, whenever counts, room or demand changed. */
export class Sizer {
  readonly #options: SizerOptions;
  #warmKnown: boolean;
  #awake = false;
  #stopped = false;

  constructor(options: SizerOptions) {
    this.#options = options;
    this.#warmKnown = options.policy().warm.length === 0;
  }

  /** Adopted instances must not be dropped before the warm shapes are known. */
  warmIsKnown(): void {
    this.#warmKnown = true;
  }

  /** In a microtask: still in the tick of its cause, once for all causes of it, and after the cause is complete. */
  wake(): void {
    if (this.#awake || this.#stopped) return;
    this.#awake = true;
    queueMicrotask(() => {
      this.#awake = false;
      if (!this.#stopped) this.#resize();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Somebody asked for it so short a while ago that the pool keeps a buffer of it. */
  inRecentUse(record: ShapeRecord, now: number): boolean {
    const { ttl } = this.#options.policy();
    return now < this.#lapse(record, ttl);
  }

  /** When the next shape is no longer in recent use; Infinity: none will be. */
  nextLapse(now: number): number {
    const { policy, records } = this.#options;
    const { ttl } = policy();
    const lapses = records.all().map((record) => this.#lapse(record, ttl));
    return Math.min(Number.POSITIVE_INFINITY, ...lapses.filter((lapse) => lapse > now));
  }

  #lapse({ lastUse }: ShapeRecord, ttl: number): number {
    if (lastUse === Number.NEGATIVE_INFINITY) return lastUse;
    return ttl === 0 ? Number.POSITIVE_INFINITY : lastUse + ttl;
  }

  #resize(): void {
    const { records, policy, queue, budget, health, clock, warming } = this.#options;
    const all = records.all();
    const now = clock.monotonic();
    const { capacity, bootConcurrency } = policy();
    const kept = warming();
    this.#dropOverdraft(all);
    const { min, bufferMin, bufferMax } = kept ? capacity : { min: 0, bufferMin: 0, bufferMax: 0 };
    const plan = planSize({
      policy: { min, bufferMin, bufferMax, bootConcurrency },
      shapes: all.map((record) => ({
        key: record.key,
        memory: record.memory,
        idle: record.idle.length,
        claimed: record.claimed,
        booting: record.booting.size,
        warm: kept ? record.warm : 0,
        recent: this.inRecentUse(record, now),
        ...health.allowance(record),
      })),
      waiters: queue.waiters,
      free: budget.free,
    });
    this.#apply(plan, all);
    if (kept) this.#options.watch(this.nextLapse(now));
  }

  #apply(plan: SizingPlan, all: ShapeRecord[]): void {
    const { records, fleet, queue } = this.#options;
    for (const { key, count } of plan.aborts)
      fleet.abortBoots(records.get(key), 'nobody needs it any more', count);
    if (this.#warmKnown)
      for (const { key, count } of plan.trims)
        for (const slot of records.get(key).idle.slice(0, count)) fleet.evict(slot, 'surplus');
    this.#makeRoom(plan.blocked, all);
    for (const index of plan.overtaken) queue.waiters[index]!.overtaken += 1;
    for (const { key, refill } of plan.boots) fleet.boot(records.get(key), refill);
    this.#reportRefills(plan);
  }

  #makeRoom(blocked: readonly number[], all: readonly ShapeRecord[]): void {
    if (blocked.length === 0) return;
    const { fleet, budget } = this.#options;
    const input = { blocked, free: budget.free, leaving: roomLeaving(all), inFlight: fleet.makingRoom };
    const victims = chooseVictims({ ...input, candidates: all.flatMap(candidatesOf) });
    for (const { slot } of victims) fleet.evict(slot, 'room');
  }

  /** The budget has shrunk below what lives. Claimed ones stay, and count: nothing boots until it fits again. */
  #dropOverdraft(all: readonly ShapeRecord[]): void {
    const { fleet, budget } = this.#options;
    const { free } = budget;
    if (free.count >= 0 && free.memory >= 0) return;
    const victims = chooseOverdraft(free, roomLeaving(all), all.flatMap(candidatesOf));
    for (const { slot } of victims) fleet.evict(slot, 'surplus');
    const left = roomLeaving(all);
    for (const record of all)
      while (record.booting.size > 0 && (free.count + left.count < 0 || free.memory + left.memory < 0)) {
        fleet.abortBoots(record, 'the pool has no room for it any more', 1);
        left.count += 1;
        left.memory += record.memory;
      }
  }

  #reportRefills(plan: SizingPlan): void {
    const counts = new Map<string, number>();
    for (const { key, refill } of plan.boots) if (refill) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const [shape, count] of counts) this.#options.events.emit({ type: 'refill', shape, count });
  }
}

interface Candidate extends EvictionCandidate {
  slot: Slot;
}

const candidatesOf = ({ idle, memory }: ShapeRecord): Candidate[] =>
  idle.map((slot) => {
    const { state, idleSince } = slot.instance!;
    return { slot, memory, paused: state === 'paused', idleSince };
  });

/** What teardowns under way will give back. */
function roomLeaving(all: readonly ShapeRecord[]): Room {
  const leaving = { count: 0, memory: 0 };
  for (const { stopping, memory } of all) {
    leaving.count += stopping.size;
    leaving.memory += stopping.size * memory;
  }
  return leaving;
}
