import type { Clock } from '../model/clock.ts';
import type { PoolPolicy } from '../model/pool/pool.ts';
import type { Budget, Room } from './budget.ts';
import type { ShapeHealth } from './care/shape-health.ts';
import type { WaitQueue } from './claims/wait-queue.ts';
import { chooseExpired } from './decide/ageing.ts';
import type { ShapeDemand, SizingPlan } from './decide/demand.ts';
import { chooseOverdraft, chooseVictims, type EvictionInput, type IdleCandidate } from './decide/eviction.ts';
import { passed } from './decide/passing.ts';
import { planSize } from './decide/sizing.ts';
import type { Arrivals } from './fleet/arrivals.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { PoolEvents } from './report/pool-events.ts';
import type { ShapeRecord, Slot } from './shapes/shape-record.ts';
import type { ShapeRecords } from './shapes/shape-records.ts';

export interface SizerOptions {
  policy: () => PoolPolicy;
  /** Whether anything is kept idle at all. */
  warming: () => boolean;
  /** How many are to live at least. */
  min: () => number;
  records: ShapeRecords;
  fleet: Fleet;
  arrivals: Arrivals;
  queue: WaitQueue<Slot>;
  budget: Budget;
  health: ShapeHealth;
  events: PoolEvents;
  /** Asks to be called at this moment: monotonic milliseconds. */
  watch: (due: number) => void;
  clock: Clock;
}

/** Carries out what the sizing decides. */
export class Sizer {
  readonly #options: SizerOptions;
  #warmKnown: boolean;

  constructor(options: SizerOptions) {
    this.#options = options;
    this.#warmKnown = options.policy().warm.length === 0;
  }

  /** Adopted instances must not be dropped before the warm shapes are known. */
  warmIsKnown(): void {
    this.#warmKnown = true;
  }

  resize(now: number): void {
    const { records, policy, queue, budget, warming, min } = this.#options;
    records.forgetSpent();
    const all = records.all();
    const { capacity, bootConcurrency, maxAge } = policy();
    this.#dropOverdraft(all);
    if (maxAge > 0) for (const record of all) record.retire(now - maxAge);
    const { bufferMin, bufferMax } = capacity;
    const sizes = warming() ? { min: min(), bufferMin, bufferMax } : { min: 0, bufferMin: 0, bufferMax: 0 };
    const plan = planSize({
      policy: { ...sizes, bootConcurrency },
      shapes: all.map((record) => this.#demandOf(record, now)),
      waiters: queue.waiters,
      free: budget.free,
      now,
    });
    this.#apply(plan, all, now);
    this.#watch(all, now);
  }

  #demandOf(record: ShapeRecord, now: number): ShapeDemand {
    const { policy, health, warming } = this.#options;
    return {
      key: record.key,
      memory: record.memory,
      idle: record.idle.length - record.retiring,
      retiring: record.retiring,
      claimed: record.claimed,
      booting: record.booting.size,
      stopping: record.stopping.size,
      warm: warming() ? record.warm : 0,
      recent: now < lapseOf(record, policy().ttl),
      misses: record.demand?.count(now).misses ?? 0,
      ...health.allowance(record),
    };
  }

  #apply(plan: SizingPlan, all: readonly ShapeRecord[], now: number): void {
    const { records, arrivals, queue } = this.#options;
    for (const { key, count } of plan.aborts)
      arrivals.abortBoots(records.get(key), 'nobody waits for it', count);
    if (this.#warmKnown) this.#dropSurplus(plan, now);
    this.#makeRoom(plan, all);
    for (const { index, times } of plan.overtaken)
      Object.assign(queue.waiters[index]!, passed(queue.waiters[index]!, times, now));
    for (const { key, refill } of plan.boots) arrivals.boot(records.get(key), refill);
    this.#hurry(all);
    this.#reportRefills(plan);
  }

  /** Boots that were begun for later and that somebody waits for by now. */
  #hurry(all: readonly ShapeRecord[]): void {
    for (const { key, booting } of all)
      for (const slot of [...booting].slice(0, this.#options.queue.count(key))) slot.hurryBoot?.();
  }

  #dropSurplus(plan: SizingPlan, now: number): void {
    const { records, fleet, policy, watch } = this.#options;
    const { ttl } = policy();
    for (const { key, count } of plan.trims)
      for (const slot of young(records.get(key)).slice(0, count)) fleet.evict(slot, 'surplus');
    for (const { key, count } of plan.surplus) {
      const { expired, next } = chooseExpired(young(records.get(key)), count, ttl, now);
      for (const slot of expired) fleet.evict(slot, 'ttl');
      watch(next);
    }
    for (const { key, count } of plan.retires) {
      const old = records.get(key).idle.filter(({ retiring }) => retiring);
      for (const slot of old.slice(0, count)) fleet.evict(slot, 'max_age');
    }
  }

  /** What this plan's own boots are about to take is no room for others, although the budget still has it. */
  #makeRoom({ blocked, lacking, left: free }: SizingPlan, all: readonly ShapeRecord[]): void {
    const { fleet, arrivals } = this.#options;
    const candidates = (): Candidate[] => all.flatMap((record) => this.#candidatesOf(record));
    const room = (): Pick<EvictionInput<never, never>, 'free' | 'leaving' | 'inFlight'> => {
      return { free, leaving: roomLeaving(all), inFlight: fleet.makingRoom };
    };
    if (blocked.length > 0) {
      const boots = all.flatMap((record) => this.#spareBoots(record));
      for (const { slot } of chooseVictims({ ...room(), blocked, idle: candidates(), boots }))
        if (slot.state === 'idle') fleet.evict(slot, 'room');
        else arrivals.makeRoom(slot);
    }
    if (lacking.length === 0) return;
    // Of the shape that was used least lately, however long this one has been idle.
    const idle = candidates().flatMap((candidate) => {
      return candidate.kept ? [] : [{ ...candidate, idleSince: Math.max(0, candidate.slot.record.lastUse) }];
    });
    for (const { slot } of chooseVictims({ ...room(), blocked: lacking, idle, boots: [] }))
      fleet.evict(slot, 'room');
  }

  /** Boots under way that nobody waits for: the latest, since the earlier ones serve whoever waits. */
  #spareBoots({ key, memory, booting }: ShapeRecord): { slot: Slot; memory: number; bootingSince: number }[] {
    const spare = [...booting].slice(this.#options.queue.count(key));
    return spare.map((slot) => ({ slot, memory, bootingSince: slot.since })).reverse();
  }

  /** The newest are the ones that are kept warm. */
  #candidatesOf({ idle, memory, warm }: ShapeRecord): Candidate[] {
    const spare = idle.length - (this.#options.warming() ? warm : 0);
    return idle.map((slot, index) => {
      return { slot, memory, paused: slot.paused, kept: index >= spare, idleSince: slot.since };
    });
  }

  /** The budget has shrunk below what lives. Claimed ones stay, and count: nothing boots until it fits again. */
  #dropOverdraft(all: readonly ShapeRecord[]): void {
    const { fleet, arrivals, budget } = this.#options;
    const { free } = budget;
    if (free.count >= 0 && free.memory >= 0) return;
    const victims = chooseOverdraft(
      free,
      roomLeaving(all),
      all.flatMap((record) => this.#candidatesOf(record)),
    );
    for (const { slot } of victims) fleet.evict(slot, 'surplus');
    const left = roomLeaving(all);
    for (const record of all)
      while (record.booting.size > 0 && (free.count + left.count < 0 || free.memory + left.memory < 0)) {
        arrivals.abortBoots(record, 'the pool has no room for it any more', 1);
        left.count += 1;
        left.memory += record.memory;
      }
  }

  /** When the line opens again, the next shape is no longer in recent use, the next idle instance is too old. */
  #watch(all: readonly ShapeRecord[], now: number): void {
    const { policy, queue, watch, warming } = this.#options;
    const { ttl, maxAge } = policy();
    for (const { closedUntil } of queue.waiters) if (closedUntil > now) watch(closedUntil);
    if (!warming()) return;
    for (const record of all) {
      const lapse = lapseOf(record, ttl);
      if (lapse > now) watch(lapse);
      if (maxAge > 0) watch(record.oldestReady + maxAge);
    }
  }

  #reportRefills(plan: SizingPlan): void {
    const counts = new Map<string, number>();
    for (const { key, refill } of plan.boots) if (refill) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const [shape, count] of counts) this.#options.events.emit({ type: 'refill', shape, count });
  }
}

/** Until when a shape is in recent use, so that the pool keeps a buffer of it: monotonic milliseconds. */
function lapseOf({ shape, lastUse }: ShapeRecord, ttl: number): number {
  // There is one instance that can be an earlier one again, and it has its holder.
  if (shape.again !== undefined) return Number.NEGATIVE_INFINITY;
  if (lastUse === Number.NEGATIVE_INFINITY) return lastUse;
  return ttl === 0 ? Number.POSITIVE_INFINITY : lastUse + ttl;
}

const young = ({ idle }: ShapeRecord): Slot[] => idle.filter(({ retiring }) => !retiring);

interface Candidate extends IdleCandidate {
  slot: Slot;
}

/** What teardowns under way will give back. */
function roomLeaving(all: readonly ShapeRecord[]): Room {
  const leaving = { count: 0, memory: 0 };
  for (const { stopping } of all)
    for (const { memory } of stopping) {
      leaving.count += 1;
      leaving.memory += memory;
    }
  return leaving;
}
