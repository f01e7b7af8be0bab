import { type Aim, aimsOf } from './aims.ts';
import {
  idleTarget,
  type ShapeDemand,
  type SizingInput,
  type SizingPlan,
  type WaiterDemand,
} from './demand.ts';
import { mayPass } from './passing.ts';

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
  #aims: Aim[] = [];
  /** Buffers give way to what is to be warm. */
  #yielding = false;

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
   * Boots what is to be warm, then the rest: else buffers of shapes that came and went would fill the pool. They pass
   * blocked waiters like any other: else a stream of claims that the refill serves would starve a large one.
   */
  refill(): void {
    if (this.#lacksPlace || this.#blockedCanBeHelped()) return;
    this.#aims = aimsOf(this.#input, (shape) => this.#expectedIdle(shape), this.#plan.boots.length);
    this.#fill(({ shape }) => shape.warm);
    if (this.#mayPass <= 0) return;
    this.#noteLacking();
    this.#yielding = this.#lackingCanBeHelped();
    if (!this.#yielding) this.#fill(({ target }) => target);
  }

  /** Boots for the shape that lacks most, relative to what it is to have, until nothing lacks or nothing fits. */
  #fill(wanted: (aim: Aim) => number): void {
    while (this.#places > 0 && this.#mayPass > 0) {
      let neediest: Aim | undefined;
      for (const aim of this.#aims) {
        if (aim.have >= wanted(aim) || !this.#mayRefill(aim.shape)) continue;
        if (neediest === undefined || aim.have * wanted(neediest) < neediest.have * wanted(aim))
          neediest = aim;
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
      const stuck = !this.#yielding && replaced + coming + shape.stopping === 0 && this.#lacksOnlyRoom(shape);
      if (replaced > 0 || stuck) this.#plan.retires.push({ key: shape.key, count: Math.max(1, replaced) });
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

  #noteLacking(): void {
    for (const { shape, have } of this.#aims) {
      if (this.#fits(shape)) continue;
      const mayBoot = Math.min(shape.mayBoot, shape.mayRefill) - this.#booting.get(shape.key)!;
      const count = Math.min(shape.warm - have, mayBoot);
      for (let missing = 0; missing < count; missing++) this.#plan.lacking.push(shape.memory);
    }
  }

  /** A buffer would only have to go again, also one that takes the first piece of what leaves. */
  #lackingCanBeHelped(): boolean {
    const { lacking } = this.#plan;
    return this.#roomFor(lacking, ({ idle, retiring, warm, stopping }) => {
      return Math.max(0, idle + retiring - warm) + stopping;
    });
  }

  /** What leaves, and all that could go, would make room for one of them: a refill would only have to go again. */
  #blockedCanBeHelped(): boolean {
    return this.#roomFor(this.#plan.blocked, ({ key, idle, retiring, stopping }) => {
      return idle + retiring + stopping + Math.max(0, this.#spare.get(key)!);
    });
  }

  /** Whether one of them would fit when that many of each shape, and the boots that are given up, are gone. */
  #roomFor(wanted: readonly number[], going: (shape: ShapeDemand) => number): boolean {
    if (wanted.length === 0) return false;
    const { left, aborts } = this.#plan;
    const room = { ...left };
    const add = (count: number, { memory }: ShapeDemand): void => {
      room.count += count;
      room.memory += count * memory;
    };
    for (const shape of this.#input.shapes) add(going(shape), shape);
    for (const { key, count } of aborts) add(count, this.#shapes.get(key)!);
    return room.count >= 1 && wanted.some((memory) => memory <= room.memory);
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
