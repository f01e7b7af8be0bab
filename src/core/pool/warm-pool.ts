import type { Logger } from 'pino';
import type { Instance } from '../instance/instance.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import type { PoolEvent, PoolPolicy, PoolShapeStatus } from '../model/pool.ts';
import type { Shape } from '../model/shape.ts';
import { ShapeHealth } from './care/shape-health.ts';
import { Claims, closedError } from './claims/claims.ts';
import { WaitQueue } from './claims/wait-queue.ts';
import { chooseVictims } from './decide/eviction.ts';
import { planSize, type SizingPlan } from './decide/sizing.ts';
import { Budget } from './fleet/budget.ts';
import { Fleet } from './fleet/fleet.ts';
import { type ShapeRecord, ShapeRecords, type Slot } from './fleet/shape-record.ts';
import type { BootInstance, Claim, ClaimRequest, Pool } from './pool.ts';
import { PoolEvents } from './report/pool-events.ts';
import { shapeStatus } from './report/status.ts';

/** Milliseconds after its latest claim for which a shape has a buffer of idle instances. */
const RECENT_USE = 300_000;
/** Milliseconds that close() waits for boots, checks and teardowns. */
const CLOSE_LIMIT = 30_000;

export interface PoolOptions {
  policy: PoolPolicy;
  boot: BootInstance;
  /** Milliseconds by which a refill lets the claim that woke it go first. Default 0. */
  refillDelay?: number;
  clock: Clock;
  log: Logger;
}

const keptWarmError = (pool: string, image: string): FsbError =>
  new FsbError('conflict', `pool ${pool} keeps image ${image} warm`, {
    hint: 'Start the core without it among the images of --warm.',
  });

/** Puts the parts together; every decision is made in one of them. */
export class WarmPool implements Pool {
  readonly policy: PoolPolicy;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: PoolEvents;
  readonly #budget: Budget;
  readonly #queue: WaitQueue<Slot>;
  readonly #records: ShapeRecords;
  readonly #fleet: Fleet;
  readonly #claims: Claims;
  readonly #health: ShapeHealth;
  /** Adopted instances must not be dropped before the warm shapes are known. */
  #warmKnown: boolean;
  #awake = false;
  #cancelLapse: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ policy, boot, refillDelay = 0, clock, log }: PoolOptions) {
    this.policy = policy;
    this.#clock = clock;
    this.#log = log.child({ pool: policy.name });
    this.#warmKnown = policy.warm.length === 0;
    const wake = (): void => this.#wake();
    const closed = (): boolean => this.#closing !== undefined;
    const events = new PoolEvents(this.#log);
    const budget = new Budget({ count: policy.capacity.max, memory: policy.memoryBudget });
    const queue = new WaitQueue<Slot>(clock, wake);
    const health = new ShapeHealth({ clock, queue, wake });
    const fleet = new Fleet({
      boot,
      bootTimeout: policy.bootTimeout,
      refillDelay,
      budget,
      events,
      clock,
      log: this.#log,
      observer: {
        offer: (slot) => !closed() && queue.serve(slot.record.key, slot),
        bootFailed: (record, cause) => health.bootFailed(record, cause),
        bootSucceeded: (record) => health.bootSucceeded(record),
        idleDied: (slot) => health.idleDied(slot),
        changed: wake,
      },
    });
    this.#events = events;
    this.#budget = budget;
    this.#queue = queue;
    this.#health = health;
    this.#fleet = fleet;
    this.#records = new ShapeRecords((key) => queue.count(key) > 0);
    this.#claims = new Claims({ policy, budget, fleet, queue, events, clock, wake, closed });
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    if (this.#closing !== undefined) throw closedError(this.policy.name);
    const record = this.#records.of(request.shape, request.image);
    const claim = await this.#claims.claim(request, record);
    this.#health.claimed(record);
    return claim;
  }

  async release(instance: Instance): Promise<void> {
    const slot = this.#fleet.find(instance.id);
    if (slot?.instance === instance) {
      if (slot.state === 'claimed')
        this.#events.emit({ type: 'returned', instance: instance.id, shape: slot.record.key });
      return this.#fleet.discard(slot, 'released');
    }
    if (instance.state === 'dead') return;
    throw new FsbError('internal', `instance ${instance.id} does not belong to pool ${this.policy.name}`);
  }

  adopt(instance: Instance): void {
    if (this.#closing !== undefined) throw closedError(this.policy.name);
    const record = this.#records.of(instance.shape, instance.shape.image);
    this.#fleet.adopt(instance, record);
    this.#dropWhatNeverFit(record);
    this.#wake();
  }

  holds(instanceId: string): boolean {
    return this.#fleet.find(instanceId) !== undefined;
  }

  keepWarm(entries: { shape: Shape; image: string; count: number }[]): void {
    if (this.#closing !== undefined) return;
    for (const record of this.#records.all()) record.warm = 0;
    for (const { shape, image, count } of entries) {
      const record = this.#records.of(shape, image);
      record.image = image;
      record.warm += count;
    }
    this.#warmKnown = true;
    this.#wake();
  }

  async dropIdle(digest: string): Promise<void> {
    if (this.#closing !== undefined) return;
    const records = this.#records.all().filter(({ shape }) => shape.image === digest);
    const warm = records.find((record) => record.warm > 0);
    if (warm !== undefined) throw keptWarmError(this.policy.name, warm.image);
    for (const record of records) {
      // No longer in recent use: the buffer would boot what is dropped here again.
      record.lastUse = Number.NEGATIVE_INFINITY;
      const unclaimed = Math.max(0, record.booting - this.#queue.count(record.key));
      this.#fleet.abortBoots('its image is no longer wanted', record, unclaimed);
      for (const slot of [...record.idle]) void this.#fleet.discard(slot, 'its image is no longer wanted');
    }
    await Promise.all(records.map((record) => this.#fleet.stopped(record)));
  }

  status(): PoolShapeStatus[] {
    return this.#records
      .all()
      .map((record) => shapeStatus(this.policy, record, this.#queue.count(record.key)));
  }

  onEvent(listener: (event: PoolEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  close({ destroyIdle }: { destroyIdle: boolean }): Promise<void> {
    this.#closing ??= Promise.resolve().then(() => this.#close(destroyIdle));
    return this.#closing;
  }

  async #close(destroyIdle: boolean): Promise<void> {
    this.#cancelLapse?.();
    this.#queue.fail(closedError(this.policy.name));
    this.#fleet.abortBoots('the pool is closing');
    const idle = this.#records.all().flatMap((record) => record.idle);
    for (const record of this.#records.all()) this.#health.stop(record);
    const letGo = idle.map((slot) =>
      destroyIdle ? this.#fleet.discard(slot, 'the pool is closing') : this.#fleet.letGo(slot),
    );
    const settled = Promise.all([...letGo, this.#fleet.quiet()]).then(() => true);
    const late = new Promise<boolean>((resolve) => {
      const cancel = this.#clock.after(CLOSE_LIMIT, () => resolve(false));
      void settled.then(cancel);
    });
    if (await Promise.race([settled, late])) {
      if (destroyIdle) this.#events.emit({ type: 'drained' });
    } else this.#log.error({ left: this.#budget.used }, 'the pool closed before all its instances were gone');
  }

  /** In a microtask: still in the tick of its cause, once for all causes of it, and after the cause is complete. */
  #wake(): void {
    if (this.#awake || this.#closing !== undefined) return;
    this.#awake = true;
    queueMicrotask(() => {
      this.#awake = false;
      if (this.#closing === undefined) this.#resize();
    });
  }

  #resize(): void {
    const records = this.#records.all();
    const now = this.#clock.monotonic();
    const { capacity, bootConcurrency } = this.policy;
    const shapes = records.map((record) => ({
      key: record.key,
      memory: record.memory,
      idle: record.idle.length,
      claimed: record.claimed,
      booting: record.booting,
      warm: record.warm,
      recent: now - record.lastUse < RECENT_USE,
      ...this.#health.allowance(record),
    }));
    const plan = planSize({
      policy: { ...capacity, bootConcurrency },
      shapes,
      waiters: this.#queue.waiters,
      free: this.#budget.free,
    });
    this.#apply(plan, records);
    this.#watchLapse(records, now);
  }

  #apply(plan: SizingPlan, records: ShapeRecord[]): void {
    for (const { key, count } of plan.aborts)
      this.#fleet.abortBoots('nobody needs it any more', this.#records.get(key), count);
    if (this.#warmKnown)
      for (const { key, count } of plan.trims)
        for (const slot of this.#records.get(key).idle.slice(0, count))
          void this.#fleet.discard(slot, 'it is not needed any more');
    this.#makeRoom(plan.blocked, records);
    for (const index of plan.overtaken) this.#queue.waiters[index]!.overtaken += 1;
    for (const { key, refill } of plan.boots) this.#fleet.boot(this.#records.get(key), refill);
    this.#reportRefills(plan);
  }

  #makeRoom(blocked: readonly number[], records: ShapeRecord[]): void {
    if (blocked.length === 0) return;
    const leaving = { count: 0, memory: 0 };
    for (const record of records) {
      leaving.count += record.stopping;
      leaving.memory += record.stopping * record.memory;
    }
    const candidates = records
      .flatMap((record) => record.idle)
      .map((slot) => ({
        slot,
        memory: slot.record.memory,
        paused: slot.instance!.state === 'paused',
        idleSince: slot.instance!.idleSince,
      }));
    const inFlight = this.#fleet.evicting;
    const victims = chooseVictims({ blocked, free: this.#budget.free, leaving, candidates, inFlight });
    for (const { slot } of victims) this.#fleet.evict(slot, 'room for another shape');
  }

  #reportRefills(plan: SizingPlan): void {
    const counts = new Map<string, number>();
    for (const { key, refill } of plan.boots) if (refill) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const [shape, count] of counts) this.#events.emit({ type: 'refill', shape, count });
  }

  /** An adopted idle instance for which the budget has shrunk goes; a claimed one stays, and counts. */
  #dropWhatNeverFit(record: ShapeRecord): void {
    const { count, memory } = this.#budget.free;
    const oldest = record.idle[0];
    if ((count < 0 || memory < 0) && oldest !== undefined)
      void this.#fleet.discard(oldest, 'the pool has no room for it');
  }

  /** One timer for the whole pool, for the moment when the first shape is no longer in recent use. */
  #watchLapse(records: ShapeRecord[], now: number): void {
    if (this.#cancelLapse !== undefined) return;
    const lapses = records.map((record) => record.lastUse + RECENT_USE).filter((lapse) => lapse > now);
    if (lapses.length === 0) return;
    this.#cancelLapse = this.#clock.after(Math.min(...lapses) - now, () => {
      this.#cancelLapse = undefined;
      this.#wake();
    });
  }
}
