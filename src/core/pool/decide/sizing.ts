import type { Room } from '../fleet/budget.ts';

/** What the sizing needs to know about one shape; instances are counted once, by their state. */
export interface ShapeDemand {
  key: string;
  /** Bytes of one instance. */
  memory: number;
  idle: number;
  claimed: number;
  booting: number;
  /** Idle ones to keep, from the policy's warm entries. */
  warm: number;
  /** Somebody asked for this shape a short while ago. */
  recent: boolean;
  /** How many boots may be under way: unbounded, or what the circuit breaker lets through. */
  mayBoot: number;
  /** The same for boots that nobody waits for. */
  mayRefill: number;
}

interface WaiterDemand {
  key: string;
  /** false: waits for a warm instance, never causes a boot beyond what the shape keeps warm. */
  boots: boolean;
  /** How often a later waiter was booted for while this one found no room. */
  overtaken: number;
}

interface SizingPolicy {
  min: number;
  bufferMin: number;
  bufferMax: number;
  bootConcurrency: number;
}

export interface SizingInput {
  policy: SizingPolicy;
  /** In the order in which they are refilled when all lack the same. */
  shapes: readonly ShapeDemand[];
  /** First come first. */
  waiters: readonly WaiterDemand[];
  /** What nothing holds now. May be negative after an adoption. */
  free: Room;
}

export interface SizingPlan {
  /** One entry for each boot to start now, in order. */
  boots: { key: string; refill: boolean }[];
  /** Idle instances that nobody wants any more, oldest first. */
  trims: { key: string; count: number }[];
  /** Boots that nobody wants any more. */
  aborts: { key: string; count: number }[];
  /** Waiters (by index) that were passed by a later one, once for each time. */
  overtaken: number[];
  /** Bytes that each blocked waiter asks for, first come first; the room for them must come from evictions. */
  blocked: number[];
}

/**
 * A waiter with a large instance lets so many smaller ones pass; then nothing passes it, and what is released gathers
 * until it fits. Without the limit a stream of small requests starves it; with 0 it would stop the whole queue at once.
 */
export const OVERTAKE_LIMIT = 16;

/** How many idle ones the pool aims at for a shape. */
function idleTarget(shape: ShapeDemand, policy: SizingPolicy): number {
  return shape.warm + (shape.recent ? policy.bufferMin : 0);
}

/** How many idle ones of a shape may stay. */
function idleCeiling(shape: ShapeDemand, policy: SizingPolicy): number {
  return shape.warm + (shape.recent ? Math.max(policy.bufferMin, policy.bufferMax) : 0);
}

/** Everything the pool does about its size, decided from counts alone. */
export function planSize(input: SizingInput): SizingPlan {
  const plan: SizingPlan = { boots: [], trims: [], aborts: [], overtaken: [], blocked: [] };
  dropSurplus(input, plan);
  const planner = new BootPlanner(input, plan);
  if (planner.serveWaiters()) planner.refill();
  return plan;
}

/** Leaves `min` unclaimed ones: what is dropped would be booted again as soon as a claimed one ends. */
function dropSurplus({ policy, shapes, waiters }: SizingInput, plan: SizingPlan): void {
  let spare = shapes.reduce((sum, shape) => sum + shape.idle + shape.booting, 0) - policy.min;
  for (const shape of shapes) {
    if (spare <= 0) return;
    const ceiling = idleCeiling(shape, policy);
    const waiting = shape.booting === 0 ? 0 : waiters.filter((waiter) => waiter.key === shape.key).length;
    const wantedBoots = Math.max(0, waiting + ceiling - shape.idle);
    const abort = Math.min(spare, Math.max(0, shape.booting - wantedBoots));
    if (abort > 0) plan.aborts.push({ key: shape.key, count: abort });
    const trim = Math.min(spare - abort, Math.max(0, shape.idle - ceiling));
    if (trim > 0) plan.trims.push({ key: shape.key, count: trim });
    spare -= abort + trim;
  }
}

const live = (shape: ShapeDemand): number => shape.idle + shape.claimed + shape.booting;

/** Hands out room and boot places, first to the waiters in their order, then to the refill. */
class BootPlanner {
  readonly #input: SizingInput;
  readonly #plan: SizingPlan;
  readonly #shapes: Map<string, ShapeDemand>;
  /** Boots under way or planned, by shape. */
  readonly #booting = new Map<string, number>();
  /** Boots under way that no waiter has been counted against yet, by shape. */
  readonly #uncommitted = new Map<string, number>();
  readonly #free: Room;
  #places: number;

  constructor(input: SizingInput, plan: SizingPlan) {
    this.#input = input;
    this.#plan = plan;
    this.#shapes = new Map(input.shapes.map((shape) => [shape.key, shape]));
    this.#free = { ...input.free };
    this.#places = input.policy.bootConcurrency;
    for (const shape of input.shapes) {
      this.#places -= shape.booting;
      this.#booting.set(shape.key, shape.booting);
      const aborted = plan.aborts.find((abort) => abort.key === shape.key)?.count ?? 0;
      this.#uncommitted.set(shape.key, shape.booting - aborted);
    }
  }

  /** @returns whether boots for nobody in particular may follow: no waiter lacks room and a boot place is left. */
  serveWaiters(): boolean {
    const blocked: number[] = [];
    for (const [index, waiter] of this.#input.waiters.entries()) {
      const shape = this.#shapes.get(waiter.key)!;
      if (this.#covered(shape) || !this.#mayBootFor(waiter, shape)) continue;
      const closed = blocked.some((earlier) => this.#passes(earlier) >= OVERTAKE_LIMIT);
      if (closed || !this.#fits(shape)) {
        blocked.push(index);
        this.#plan.blocked.push(shape.memory);
        continue;
      }
      if (this.#places <= 0) return false;
      this.#start(shape, false);
      this.#plan.overtaken.push(...blocked);
    }
    return blocked.length === 0;
  }

  /** Boots for the shape that lacks most, relative to its target, until nothing lacks or nothing fits. */
  refill(): void {
    const lacking = this.#input.shapes
      .map((shape) => ({
        shape,
        target: idleTarget(shape, this.#input.policy),
        have: this.#expectedIdle(shape),
      }))
      .filter((entry) => entry.have < entry.target);
    this.#addMinimum(lacking);
    while (this.#places > 0) {
      let neediest: (typeof lacking)[number] | undefined;
      for (const entry of lacking) {
        if (entry.have >= entry.target || !this.#mayRefill(entry.shape)) continue;
        if (neediest === undefined || entry.have * neediest.target < neediest.have * entry.target)
          neediest = entry;
      }
      if (neediest === undefined) return;
      this.#start(neediest.shape, true);
      neediest.have += 1;
    }
  }

  /** `min` instances live at least; what the targets leave open goes to the first warm shape. */
  #addMinimum(lacking: { shape: ShapeDemand; target: number; have: number }[]): void {
    const first = this.#input.shapes.find((shape) => shape.warm > 0);
    if (first === undefined) return;
    let expected = this.#plan.boots.length;
    for (const shape of this.#input.shapes) expected += live(shape);
    for (const entry of lacking) expected += entry.target - entry.have;
    const missing = this.#input.policy.min - expected;
    if (missing <= 0) return;
    const entry = lacking.find((candidate) => candidate.shape === first);
    if (entry !== undefined) entry.target += missing;
    else {
      const have = this.#expectedIdle(first);
      lacking.push({ shape: first, target: have + missing, have });
    }
  }

  #expectedIdle(shape: ShapeDemand): number {
    const trimmed = this.#plan.trims.find((trim) => trim.key === shape.key)?.count ?? 0;
    return shape.idle - trimmed + this.#uncommitted.get(shape.key)!;
  }

  #covered(shape: ShapeDemand): boolean {
    const left = this.#uncommitted.get(shape.key)!;
    if (left <= 0) return false;
    this.#uncommitted.set(shape.key, left - 1);
    return true;
  }

  #mayBootFor(waiter: WaiterDemand, shape: ShapeDemand): boolean {
    const booting = this.#booting.get(shape.key)!;
    if (booting >= shape.mayBoot) return false;
    return waiter.boots || (booting < idleTarget(shape, this.#input.policy) && booting < shape.mayRefill);
  }

  #mayRefill(shape: ShapeDemand): boolean {
    const booting = this.#booting.get(shape.key)!;
    return booting < shape.mayBoot && booting < shape.mayRefill && this.#fits(shape);
  }

  #passes(index: number): number {
    const before = this.#input.waiters[index]!.overtaken;
    return this.#plan.overtaken.reduce((sum, passed) => (passed === index ? sum + 1 : sum), before);
  }

  #fits(shape: ShapeDemand): boolean {
    return this.#free.count >= 1 && this.#free.memory >= shape.memory;
  }

  #start(shape: ShapeDemand, refill: boolean): void {
    this.#plan.boots.push({ key: shape.key, refill });
    this.#booting.set(shape.key, this.#booting.get(shape.key)! + 1);
    this.#free.count -= 1;
    this.#free.memory -= shape.memory;
    this.#places -= 1;
  }
}
