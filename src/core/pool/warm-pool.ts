import type { Logger } from 'pino';
import type { Instance } from '../instance/instance.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import type { PoolEvent, PoolMeter, PoolPolicy, PoolShapeStatus, PoolState } from '../model/pool.ts';
import { Alarm } from './care/alarm.ts';
import { ShapeHealth } from './care/shape-health.ts';
import { closedError, neverFitsError, notKeptError } from './claims/claim-errors.ts';
import { Claims } from './claims/claims.ts';
import { WaitQueue } from './claims/wait-queue.ts';
import { Budget, type Room } from './fleet/budget.ts';
import { Fleet } from './fleet/fleet.ts';
import type { ShapeRecord, Slot } from './fleet/shape-record.ts';
import { ShapeRecords } from './fleet/shape-records.ts';
import { Life } from './life.ts';
import type {
  BootInstance,
  Claim,
  ClaimRequest,
  Pool,
  PooledInstance,
  PoolTotals,
  ReleaseOptions,
  WarmEntry,
} from './pool.ts';
import { PoolEvents } from './report/pool-events.ts';
import { safeMeter } from './report/safe-meter.ts';
import { pooledInstances, poolTotals, shapeStatus } from './report/status.ts';
import { Sizer } from './sizer.ts';

export interface PoolOptions {
  policy: PoolPolicy;
  boot: BootInstance;
  /** Milliseconds by which a refill lets the claim that woke it go first. Default 0. */
  refillDelay?: number;
  meter?: PoolMeter;
  clock: Clock;
  log: Logger;
}

const keptWarmError = (pool: string, image: string): FsbError =>
  new FsbError('conflict', `pool ${pool} keeps image ${image} warm`, {
    hint: 'Start the core without it among the images of --warm.',
  });

const notHeldError = (pool: string, instance: string): FsbError =>
  new FsbError('conflict', `instance ${instance} is not held by this claim on pool ${pool}`, {
    hint: 'It was given back before, or it was claimed elsewhere.',
  });

/** Puts the parts together; every decision is made in one of them. */
export class WarmPool implements Pool {
  readonly #clock: Clock;
  readonly #events: PoolEvents;
  readonly #budget: Budget;
  readonly #queue: WaitQueue<Slot>;
  readonly #records: ShapeRecords;
  readonly #fleet: Fleet;
  readonly #claims: Claims;
  readonly #health: ShapeHealth;
  readonly #sizer: Sizer;
  readonly #life: Life;
  readonly #alarm: Alarm;
  #policy: PoolPolicy;

  constructor({ boot, refillDelay = 0, clock, ...options }: PoolOptions) {
    this.#policy = options.policy;
    this.#clock = clock;
    const log = options.log.child({ pool: this.#policy.name });
    const meter = safeMeter(options.meter, log);
    const policy = (): PoolPolicy => this.#policy;
    const wake = (): void => this.#sizer.wake();
    const events = new PoolEvents(log);
    const budget = new Budget(roomOf(this.#policy));
    const queue = new WaitQueue<Slot>(clock, wake);
    const records = new ShapeRecords((key) => queue.count(key) > 0);
    const health = new ShapeHealth({ clock, queue, wake });
    const fleet = new Fleet({
      ...{ boot, refillDelay, budget, events, meter, clock, log },
      bootTimeout: () => this.#policy.bootTimeout,
      observer: {
        offer: (slot) => this.#life.refusal() === undefined && queue.serve(slot.record.key, slot),
        bootFailed: (record, cause) => health.bootFailed(record, cause),
        bootSucceeded: (record) => health.bootSucceeded(record),
        idleDied: (slot) => health.idleDied(slot),
        changed: wake,
      },
    });
    this.#events = events;
    this.#budget = budget;
    this.#queue = queue;
    this.#records = records;
    this.#health = health;
    this.#fleet = fleet;
    this.#alarm = new Alarm(clock, (now) => {
      wake();
      return this.#sizer.nextLapse(now);
    });
    this.#life = new Life({
      ...{ name: this.#policy.name, fleet, records, queue, events, clock, log },
      silence: () => this.#silence(),
    });
    const warming = (): boolean => this.#life.state === 'active';
    this.#sizer = new Sizer({
      ...{ policy, warming, records, fleet, queue, budget, health, events, clock },
      watch: (due) => this.#alarm.by(due),
    });
    this.#claims = new Claims({
      ...{ policy, budget, fleet, queue, meter, clock, wake },
      refusal: () => this.#life.refusal(),
      keeps: (record) => this.#keeps(record),
    });
  }

  get policy(): PoolPolicy {
    return this.#policy;
  }

  get state(): PoolState {
    return this.#life.state;
  }

  get totals(): PoolTotals {
    const { length: waiting } = this.#queue;
    const { memory } = this.#budget.used;
    return poolTotals(this.#records.all(), { waiting, memory, min: this.#policy.capacity.min });
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const refusal = this.#life.refusal();
    if (refusal !== undefined) throw refusal;
    const record = this.#records.of(request.shape, request.image);
    const claim = await this.#claims.claim(request, record);
    this.#health.claimed(record);
    return claim;
  }

  async release(claim: Claim, _options?: ReleaseOptions): Promise<void> {
    const { id } = claim.instance;
    const slot = this.#fleet.find(id);
    if (slot === undefined || slot.claim !== claim) throw notHeldError(this.#policy.name, id);
    this.#fleet.takeBack(slot);
    return this.#fleet.discard(slot, 'released');
  }

  adopt(instance: Instance): Claim | undefined {
    if (this.#life.closing) throw closedError(this.#policy.name);
    const record = this.#records.of(instance.shape, instance.shape.image);
    const claim = this.#fleet.adopt(instance, record);
    this.#sizer.wake();
    return claim;
  }

  holds(instanceId: string): boolean {
    return this.#fleet.find(instanceId) !== undefined;
  }

  instances(): PooledInstance[] {
    return pooledInstances(this.#fleet.slots(), this.#clock.monotonic());
  }

  configure(policy: PoolPolicy): void {
    if (this.#life.closing) return;
    this.#policy = policy;
    this.#budget.resize(roomOf(policy));
    this.#rejudge();
    this.#sizer.wake();
  }

  keepWarm(entries: WarmEntry[]): void {
    if (this.#life.closing) return;
    for (const record of this.#records.all()) record.warm = 0;
    for (const { shape, image, count } of entries) {
      const record = this.#records.of(shape, image);
      record.image = image;
      record.warm += count;
    }
    this.#sizer.warmIsKnown();
    this.#rejudge();
    this.#sizer.wake();
  }

  async stop(): Promise<void> {
    if (this.#life.closing) return;
    const stopped = this.#life.stop();
    this.#rejudge();
    await stopped;
  }

  drain(): Promise<void> {
    return this.#life.drain();
  }

  start(): void {
    this.#life.start();
    this.#sizer.wake();
  }

  resetBreakers(): void {
    for (const record of this.#records.all()) this.#health.reset(record);
  }

  press(_pressure: number): void {}

  /** Destroys what is idle of an image, and forgets that it was used: the buffer would boot it again. */
  async dropIdle(digest: string): Promise<void> {
    if (this.#life.closing) return;
    const records = this.#records.all().filter(({ shape }) => shape.image === digest);
    const warm = records.find((record) => record.warm > 0);
    if (warm !== undefined) throw keptWarmError(this.#policy.name, warm.image);
    const cause = 'its image is no longer wanted';
    for (const record of records) {
      record.lastUse = Number.NEGATIVE_INFINITY;
      const unclaimed = Math.max(0, record.booting.size - this.#queue.count(record.key));
      this.#fleet.abortBoots(record, cause, unclaimed);
      for (const slot of [...record.idle]) void this.#fleet.discard(slot, cause);
    }
    await Promise.all(records.flatMap((record) => [...record.stopping].map((slot) => slot.gone)));
  }

  status(): PoolShapeStatus[] {
    return this.#records
      .all()
      .map((record) => shapeStatus(this.#policy, record, this.#queue.count(record.key)));
  }

  onEvent(listener: (event: PoolEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  close({ destroyIdle }: { destroyIdle: boolean }): Promise<void> {
    return this.#life.close(destroyIdle);
  }

  /** Ends every timer of the pool's own; those of claims and boots end with them. */
  #silence(): void {
    this.#sizer.stop();
    this.#alarm.stop();
    for (const record of this.#records.all()) this.#health.stop(record);
  }

  #keeps(record: ShapeRecord): boolean {
    if (this.#life.state !== 'active') return false;
    return record.warm > 0 || this.#policy.capacity.bufferMin > 0;
  }

  /** After the pool changed: whoever waits for what can never come hears it now, not at his deadline. */
  #rejudge(): void {
    const waiting = this.#records.all().filter((record) => this.#queue.count(record.key) > 0);
    for (const record of waiting) {
      const never = neverFitsError(this.#policy, this.#budget, record);
      if (never !== undefined) this.#queue.fail(never, ({ key }) => key === record.key);
      else if (!this.#keeps(record))
        this.#queue.fail(
          notKeptError(this.#policy.name, record),
          ({ key, boots }) => key === record.key && !boots,
        );
    }
  }
}

const roomOf = ({ capacity, memoryBudget }: PoolPolicy): Room => ({
  count: capacity.max,
  memory: memoryBudget,
});
