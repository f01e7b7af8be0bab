import type { Instance } from '../instance/instance.ts';
import type { PoolEvent, PoolPolicy, PoolShapeStatus, PoolState, PoolTotals } from '../model/pool/pool.ts';
import { clearIdle } from './care/clear.ts';
import {
  closedError,
  keptWarmError,
  neverFitsError,
  noRoomError,
  notHeldError,
  notKeptError,
} from './claims/claim-errors.ts';
import { sameWords } from './fleet/unfit.ts';
import { assemble, type PoolOptions, type PoolParts, roomOf } from './parts.ts';
import type { Claim, ClaimRequest, Pool, PooledInstance, ReleaseOptions, WarmEntry } from './pool.ts';
import { pooledInstances, poolTotals, shapeStatus } from './report/status.ts';
import type { ShapeRecord } from './shapes/shape-record.ts';

/** What people and the agent ask of a pool; every decision is made in one of its parts. */
export class WarmPool implements Pool {
  readonly #parts: PoolParts;
  #policy: PoolPolicy;
  #awake = false;

  constructor(options: PoolOptions) {
    this.#policy = options.policy;
    this.#parts = assemble(options, {
      policy: () => this.#policy,
      wake: () => this.#wake(),
      keeps: (record) => this.#keeps(record),
      silence: () => this.#silence(),
    });
  }

  get policy(): PoolPolicy {
    return this.#policy;
  }

  get state(): PoolState {
    return this.#parts.life.state;
  }

  get totals(): PoolTotals {
    const { records, queue, budget, autoscaler } = this.#parts;
    const { memory } = budget.used;
    return poolTotals(records.all(), { waiting: queue.length, memory, min: autoscaler.min });
  }

  claim(request: ClaimRequest): Promise<Claim> {
    const { records, claims } = this.#parts;
    return claims.claim(request, () => records.of(request.shape, request.image));
  }

  release(claim: Claim, options?: ReleaseOptions): Promise<void> {
    return this.#parts.returns.release(claim, options);
  }

  resize(claim: Claim, memory: number, anyway = false): void {
    const { slots, budget } = this.#parts;
    const slot = slots.find(claim.instance.id);
    if (slot === undefined || slot.claim !== claim) throw notHeldError(this.#policy.name, claim.instance.id);
    const more = memory - slot.memory;
    if (more === 0) return;
    if (!slots.resize(slot, memory, anyway)) throw noRoomError(this.#policy.name, more, budget.free.memory);
    this.#wake();
  }

  adopt(instance: Instance, image = instance.shape.image, age = 0): Claim | undefined {
    const { life, records, arrivals } = this.#parts;
    if (life.closing) throw closedError(this.#policy.name);
    const claim = arrivals.adopt(instance, records.of(instance.shape, image), age);
    this.#wake();
    return claim;
  }

  holds(instanceId: string): boolean {
    return this.#parts.slots.find(instanceId) !== undefined;
  }

  instances(): PooledInstance[] {
    const { slots, clock } = this.#parts;
    return pooledInstances(slots.withInstance(), clock.monotonic());
  }

  stuck(): string[] {
    return this.#parts.slots.stuck();
  }

  configure(policy: PoolPolicy): void {
    const { life, records, budget, fleet, arrivals, autoscaler, pauser } = this.#parts;
    if (life.closing) return;
    const { warmup } = this.#policy;
    this.#policy = policy;
    budget.resize(roomOf(policy));
    autoscaler.review();
    for (const record of records.all()) {
      fleet.dropUnfit(record);
      if (!sameWords(warmup, policy.warmup)) arrivals.abortBoots(record, 'the warm-up command changed');
    }
    pauser.review();
    this.#rejudge();
    this.#wake();
  }

  keepWarm(entries: WarmEntry[]): void {
    const { life, records, sizer } = this.#parts;
    if (life.closing) return;
    for (const record of records.all()) record.warm = 0;
    for (const { shape, image, count } of entries) {
      const record = records.of(shape, image);
      record.image = image;
      record.warm += count;
    }
    sizer.warmIsKnown();
    this.#rejudge();
    this.#wake();
  }

  async stop(): Promise<void> {
    const { life } = this.#parts;
    if (life.closing) return;
    const stopped = life.stop();
    this.#rejudge();
    await stopped;
  }

  drain(signal?: AbortSignal): Promise<void> {
    return this.#parts.life.drain(signal);
  }

  start(): void {
    this.#parts.life.start();
    this.#wake();
  }

  resetBreakers(): void {
    const { records, health } = this.#parts;
    for (const record of records.all()) health.reset(record);
  }

  press(pressure: number): void {
    this.#parts.autoscaler.press(pressure);
    this.#wake();
  }

  async dropIdle(digest: string): Promise<void> {
    const { life, records } = this.#parts;
    if (life.closing) return;
    const ofImage = records.all().filter(({ shape }) => shape.image === digest);
    const warm = ofImage.find((record) => record.warm > 0);
    if (warm !== undefined) throw keptWarmError(this.#policy, warm.image);
    // No longer in recent use: the buffer would boot what is dropped here again.
    for (const record of ofImage) record.lastUse = Number.NEGATIVE_INFINITY;
    await clearIdle(this.#parts, ofImage, 'its image is no longer wanted');
  }

  status(): PoolShapeStatus[] {
    const { records, queue } = this.#parts;
    return records.all().map((record) => shapeStatus(this.#policy, record, queue.count(record.key)));
  }

  onEvent(listener: (event: PoolEvent) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }

  close(): Promise<void> {
    return this.#parts.life.close();
  }

  /** In a microtask: still in the tick of its cause, once for all causes of it, and after the cause is complete. */
  #wake(): void {
    if (this.#awake || this.#parts.life.closing) return;
    this.#awake = true;
    queueMicrotask(() => {
      this.#awake = false;
      if (!this.#parts.life.closing) this.#decide();
    });
  }

  #decide(): void {
    const { autoscaler, sizer, looks, clock } = this.#parts;
    const now = clock.monotonic();
    autoscaler.tick(now);
    sizer.resize(now);
    looks.tick(now);
  }

  /** Ends every timer of the pool's own; those of claims and boots end with them. */
  #silence(): void {
    const { records, health, alarm, looks, pauser } = this.#parts;
    alarm.stop();
    looks.stop();
    pauser.stop();
    for (const record of records.all()) health.stop(record);
  }

  #keeps(record: ShapeRecord): boolean {
    if (this.#parts.life.state !== 'active') return false;
    return record.warm > 0 || this.#policy.capacity.bufferMin > 0;
  }

  /** After the pool changed: whoever waits for what can never come hears it now, not at his deadline. */
  #rejudge(): void {
    const { records, queue, budget } = this.#parts;
    for (const record of records.all()) {
      if (queue.count(record.key) === 0) continue;
      const never = neverFitsError(this.#policy, budget, record);
      if (never !== undefined) queue.fail(never, ({ key }) => key === record.key);
      else if (!this.#keeps(record))
        queue.fail(notKeptError(this.#policy, record), ({ key, boots }) => key === record.key && !boots);
    }
  }
}
