import { shareByMisses } from './autoscale.ts';
import {
  idleTarget,
  type ShapeDemand,
  type SizingInput,
  type SizingPlan,
  type WaiterDemand,
} from './demand.ts';
import { mayPass } from './passing.ts';

const live = (shape: ShapeDemand): number => shape.idle + shape.claimed + shape.booting;

/** How many idle ones of a shape there are to be, and how many there are or will be. */
interface Aim {
  shape: ShapeDemand;
  target: number;
  have: number;
}

/** A waiter without room, by its index; and how many boots were begun before its turn. */
interface Blocked {
  index: number;
  startedBefore: number;
}

/** Hands out room and boot places, first to the waiters in their order, then to the refill. */
export class BootPlanner {
  readonly #input: SizingInput;
  readonly #plan: SizingPlan;
  readonly #shapes: Map<string, ShapeDemand>;
  /** Boots under way or planned, by shape. */
  readonly #booting = new Map<string, number>();
  /** Boots under way that no waiter has been counted against yet, by shape. */
  readonly #uncommitted = new Map<string, number>();
  /** Boots under way beyond one for each waiter, by shape: nobody waits for them. */
  readonly #spare = new Map<string, number>();
  /** Idle ones that go, by shape. */
  readonly #trimmed = new Map<string, number>();
  readonly #blocked: Blocked[] = [];
  /** How many more boots may begin behind those that are blocked. */
  #mayPass = Number.POSITIVE_INFINITY;
  /** A waiter could boot if there were a boot place. */
  #lacksPlace = false;
  #places: number;
  /** By shape, in their order. */
  #aims: Aim[] = [];

  constructor(input: SizingInput, plan: SizingPlan) {
    this.#input = input;
    this.#plan = plan;
    this.#shapes = new Map(input.shapes.map((shape) => [shape.key, shape]));
    this.#places = input.policy.bootConcurrency;
    for (const shape of input.shapes) {
      this.#places -= shape.booting;
      this.#booting.set(shape.key, shape.booting);
      this.#uncommitted.set(shape.key, shape.booting);
      this.#spare.set(shape.key, shape.booting);
    }
    for (const { key, count } of plan.aborts) {
      this.#uncommitted.set(key, this.#uncommitted.get(key)! - count);
      this.#spare.set(key, this.#spare.get(key)! - count);
    }
    for (const { key, count } of plan.trims) this.#trimmed.set(key, count);
    for (const { key } of input.waiters) this.#spare.set(key, this.#spare.get(key)! - 1);
  }

  serveWaiters(): void {
    for (const [index, waiter] of this.#input.waiters.entries()) {
      const shape = this.#shapes.get(waiter.key)!;
      if (this.#covered(shape) || !this.#mayBootFor(waiter, shape)) continue;
      if (this.#mayPass <= 0) return;
      if (!this.#fits(shape)) {
        this.#block(index, shape);
        continue;
      }
      if (this.#places <= 0 && !this.#giveWay()) {
        this.#lacksPlace = true;
        return;
      }
      this.#start(shape, false);
    }
  }

  /**
   * Boots for the shape that lacks most, relative to its target, until nothing lacks or nothing fits. They pass blocked
   * waiters like any other: else a stream of claims that the refill serves would starve a large one.
   */
  refill(): void {
    if (this.#lacksPlace || this.#blockedCanBeHelped()) return;
    this.#aim();
    while (this.#places > 0 && this.#mayPass > 0) {
      let neediest: Aim | undefined;
      for (const aim of this.#aims) {
        if (aim.have >= aim.target || !this.#mayRefill(aim.shape)) continue;
        if (neediest === undefined || aim.have * neediest.target < neediest.have * aim.target) neediest = aim;
      }
      if (neediest === undefined) return;
      this.#start(neediest.shape, true);
      neediest.have += 1;
    }
  }

  /**
   * An old one goes when nothing lacks, or comes, that could take its place. Where there is no room to boot the young
   * one first, one old one after the other makes room for it.
   */
  retire(): void {
    if (this.#lacksPlace || this.#blocked.length > 0) return;
    for (const { shape, target, have } of this.#aims) {
      if (shape.retiring === 0) continue;
      const missing = Math.max(0, target - have);
      const coming = have - this.#idleAfterTrims(shape);
      const replaced = Math.max(0, shape.retiring - missing - coming);
      const stuck = replaced + coming + shape.stopping === 0 && this.#lacksOnlyRoom(shape);
      if (replaced > 0 || stuck) this.#plan.retires.push({ key: shape.key, count: Math.max(1, replaced) });
    }
  }

  #aim(): void {
    const { shapes, policy } = this.#input;
    this.#aims = shapes.map((shape) => ({
      shape,
      target: idleTarget(shape, policy),
      have: this.#expectedIdle(shape),
    }));
    this.#addMinimum();
  }

  /** `min` instances live at least; what the targets leave open goes where claims missed, else to the first warm shape. */
  #addMinimum(): void {
    let expected = this.#plan.boots.length;
    for (const { shape, target, have } of this.#aims) expected += live(shape) + Math.max(0, target - have);
    const missing = this.#input.policy.min - expected;
    if (missing <= 0) return;
    const shares = shareByMisses(
      missing,
      this.#aims.map(({ shape }) => shape.misses),
    );
    const first = this.#aims.findIndex(({ shape }) => shape.warm > 0);
    if (first >= 0 && !shares.some((share) => share > 0)) shares[first] = missing;
    for (const [index, share] of shares.entries()) {
      const aim = this.#aims[index]!;
      if (share > 0) aim.target = Math.max(aim.target, aim.have) + share;
    }
  }

  #idleAfterTrims(shape: ShapeDemand): number {
    return shape.idle - (this.#trimmed.get(shape.key) ?? 0);
  }

  #expectedIdle(shape: ShapeDemand): number {
    return this.#idleAfterTrims(shape) + this.#uncommitted.get(shape.key)!;
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
    return this.#breakersLet(shape) && this.#fits(shape);
  }

  #lacksOnlyRoom(shape: ShapeDemand): boolean {
    return this.#places > 0 && this.#breakersLet(shape) && !this.#fits(shape);
  }

  #breakersLet(shape: ShapeDemand): boolean {
    const booting = this.#booting.get(shape.key)!;
    return booting < shape.mayBoot && booting < shape.mayRefill;
  }

  /** A boot that nobody waits for leaves its place, which is free at once, to a waiter; its room follows later. */
  #giveWay(): boolean {
    let key = '';
    for (const [candidate, spare] of this.#spare) if (spare > (this.#spare.get(key) ?? 0)) key = candidate;
    const spare = this.#spare.get(key) ?? 0;
    if (spare <= 0) return false;
    this.#spare.set(key, spare - 1);
    this.#plan.aborts.push({ key, count: 1 });
    this.#places += 1;
    return true;
  }

  /** To be called last. */
  noteOvertaken(): void {
    const started = this.#plan.boots.length;
    for (const { index, startedBefore } of this.#blocked)
      if (started > startedBefore) this.#plan.overtaken.push({ index, times: started - startedBefore });
  }

  #block(index: number, shape: ShapeDemand): void {
    this.#blocked.push({ index, startedBefore: this.#plan.boots.length });
    this.#plan.blocked.push(shape.memory);
    this.#mayPass = Math.min(this.#mayPass, mayPass(this.#input.waiters[index]!, this.#input.now));
  }

  /** What leaves, and all that could go, would make room for one of them: a refill would only have to go again. */
  #blockedCanBeHelped(): boolean {
    const { left, aborts, blocked } = this.#plan;
    if (blocked.length === 0) return false;
    const room = { ...left };
    const add = (count: number, { memory }: ShapeDemand): void => {
      room.count += count;
      room.memory += count * memory;
    };
    for (const shape of this.#input.shapes) {
      const spare = Math.max(0, this.#spare.get(shape.key)!);
      add(shape.idle + shape.retiring + shape.stopping + spare, shape);
    }
    for (const { key, count } of aborts) add(count, this.#shapes.get(key)!);
    return room.count >= 1 && blocked.some((memory) => memory <= room.memory);
  }

  #fits(shape: ShapeDemand): boolean {
    return this.#plan.left.count >= 1 && this.#plan.left.memory >= shape.memory;
  }

  #start(shape: ShapeDemand, refill: boolean): void {
    this.#plan.boots.push({ key: shape.key, refill });
    this.#booting.set(shape.key, this.#booting.get(shape.key)! + 1);
    this.#plan.left.count -= 1;
    this.#plan.left.memory -= shape.memory;
    this.#places -= 1;
    this.#mayPass -= 1;
  }
}
