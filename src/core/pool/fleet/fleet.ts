import type { Logger } from 'pino';
import type { Instance } from '../../instance/instance.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import type { PoolMeter } from '../../model/pool.ts';
import type { BootInstance, Claim } from '../pool.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import { Boots } from './boots.ts';
import type { Budget } from './budget.ts';
import { type ShapeRecord, Slot } from './shape-record.ts';
import { isUnsettled, type SlotState } from './slot-state.ts';
import { Teardowns } from './teardowns.ts';

/** What the fleet tells the pool; none of them may throw. */
interface FleetObserver {
  /** An instance is ready. @returns whether somebody who waits was given it; else it becomes idle */
  offer(slot: Slot): boolean;
  /** Not called for boots that were given up on purpose. */
  bootFailed(record: ShapeRecord, cause: FsbError): void;
  bootSucceeded(record: ShapeRecord): void;
  /** It died without ever being claimed. */
  idleDied(slot: Slot): void;
  /** Counts or room changed: the sizing has something to decide. */
  changed(): void;
}

export interface FleetOptions {
  boot: BootInstance;
  /** Milliseconds. */
  bootTimeout: () => number;
  /** See BootsOptions. */
  refillDelay: number;
  budget: Budget;
  events: PoolEvents;
  meter: PoolMeter;
  observer: FleetObserver;
  clock: Clock;
  log: Logger;
}

/** Every instance of the pool, in every state. Moves them between states, and the budget with them, synchronously. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #byInstance = new Map<string, Slot>();
  readonly #boots: Boots;
  readonly #teardowns: Teardowns;
  #size = 0;
  #unsettled = 0;
  #makingRoom = 0;
  #waiting: { until: () => boolean; resolve: () => void }[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    const { boot, bootTimeout, refillDelay, events, clock, log } = options;
    this.#boots = new Boots({
      boot,
      bootTimeout,
      refillDelay,
      clock,
      ready: (slot) => this.#booted(slot),
      failed: (slot, cause) => this.#bootEnded(slot, cause),
      timedOut: (slot, cause) => this.#bootTimedOut(slot, cause),
    });
    this.#teardowns = new Teardowns({ events, log, ended: (slot) => this.#free(slot) });
  }

  /** How many evictions for the sake of a waiter are under way. */
  get makingRoom(): number {
    return this.#makingRoom;
  }

  /** Idle + claimed + booting + stopping. */
  get size(): number {
    return this.#size;
  }

  find(instanceId: string): Slot | undefined {
    return this.#byInstance.get(instanceId);
  }

  /** Whose instance has booted and is not gone, oldest first. */
  slots(): Slot[] {
    return [...this.#byInstance.values()];
  }

  /** Starts a boot; there must be room. `refill`: nobody waits for it. How it ends is told to the observer. */
  boot(record: ShapeRecord, refill: boolean): void {
    this.#options.budget.reserve(record.memory);
    const slot = new Slot(record);
    slot.readyAt = this.#options.clock.monotonic();
    this.#move(slot, 'booting');
    this.#boots.start(slot, refill);
  }

  /** Gives up the latest boots of a shape, all without a count: the earlier ones are nearer to their end. */
  abortBoots(record: ShapeRecord, cause: string, count = Number.POSITIVE_INFINITY): void {
    for (const slot of [...record.booting].reverse().slice(0, count))
      this.#giveUp(slot, new FsbError('cancelled', cause));
  }

  /** Takes in an instance that lives already, as claimed or, when it is idle or paused, for whoever comes first. */
  adopt(instance: Instance, record: ShapeRecord): Claim | undefined {
    this.#options.budget.add(record.memory);
    const slot = new Slot(record);
    slot.instance = instance;
    slot.adopted = true;
    slot.readyAt = this.#options.clock.monotonic();
    this.#byInstance.set(instance.id, slot);
    this.#move(slot, 'claiming');
    this.#watch(slot, instance);
    if (instance.state === 'idle' || instance.state === 'paused') this.#settleIn(slot);
    else if (instance.state === 'claimed') return this.handOver(slot, true);
    else void this.discard(slot, `it was ${instance.state} when the core started`);
    return undefined;
  }

  /** The newest idle instance, now being claimed. Idle ones that are known to be dead by now are discarded. */
  take(record: ShapeRecord): Slot | undefined {
    for (let slot = record.idle.at(-1); slot !== undefined; slot = record.idle.at(-1)) {
      this.#move(slot, 'claiming');
      const state = slot.instance!.state;
      if (state === 'idle' || state === 'paused') return slot;
      void this.discard(slot, `it was found ${state}`);
    }
    return undefined;
  }

  /** The health check is over: it has a holder now. */
  handOver(slot: Slot, hit: boolean): Claim {
    const instance = slot.instance!;
    slot.claim = { instance, hit };
    this.#move(slot, 'claimed');
    this.#emit('claimed', slot);
    return slot.claim;
  }

  /** The holder gives it back; what becomes of it is decided next. */
  takeBack(slot: Slot): void {
    slot.claim = undefined;
    this.#move(slot, 'returning');
    this.#emit('returned', slot);
  }

  /** Destroys an instance. @returns when its room is free; idempotent */
  discard(slot: Slot, cause: string): Promise<void> {
    if (slot.gone !== undefined) return slot.gone;
    slot.claim = undefined;
    this.#stopping(slot);
    void this.#teardowns.run(slot, cause);
    return slot.gone!;
  }

  /** Destroys an idle instance because the pool has no place or no use for it. `cause` is one word. */
  evict(slot: Slot, cause: string): void {
    const { events, meter } = this.#options;
    slot.record.evicted += 1;
    if (cause === 'room') {
      slot.makesRoom = true;
      this.#makingRoom += 1;
    }
    events.emit({ type: 'evicted', instance: slot.instance!.id, shape: slot.record.key, cause });
    meter.evicted(cause);
    void this.discard(slot, cause);
  }

  /** Leaves an idle instance running and forgets it: the next core finds it. */
  async letGo(slot: Slot): Promise<void> {
    const instance = slot.instance!;
    // First of all: its `failed` may settle once the channel is let go, and that must not destroy it.
    this.#forget(slot);
    try {
      await instance.detach();
    } catch (error) {
      this.#options.log.warn({ err: error, instance: instance.id }, 'detaching from an idle instance failed');
    }
  }

  /** Resolves when nothing boots, is being claimed, is being given back or is being torn down. */
  quiet(): Promise<void> {
    return this.#when(() => this.#unsettled === 0);
  }

  /** Resolves when no instance is left. */
  empty(): Promise<void> {
    return this.#when(() => this.#size === 0);
  }

  #when(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until, resolve }));
  }

  #booted(slot: Slot): void {
    const { clock, meter, observer } = this.#options;
    const { record, readyAt: began } = slot;
    this.#byInstance.set(slot.instance!.id, slot);
    this.#emit('created', slot);
    if (slot.state === 'stopping') {
      // It came up although it was given up: nobody may have it, and its room is held until it is gone.
      void this.#teardowns.run(slot, 'its boot was given up');
      return;
    }
    slot.readyAt = clock.monotonic();
    meter.booted(record.key, slot.readyAt - began);
    this.#watch(slot, slot.instance!);
    observer.bootSucceeded(record);
    this.#move(slot, 'claiming');
    this.#settleIn(slot);
  }

  #bootEnded(slot: Slot, cause: FsbError): void {
    const unexpected = slot.state === 'booting';
    if (unexpected) this.#stopping(slot);
    this.#free(slot);
    if (unexpected) this.#bootFailed(slot, cause);
  }

  #bootTimedOut(slot: Slot, cause: FsbError): void {
    if (slot.state !== 'booting') return;
    this.#giveUp(slot, cause);
    this.#bootFailed(slot, cause);
  }

  #giveUp(slot: Slot, cause: FsbError): void {
    this.#stopping(slot);
    slot.abortBoot?.(cause);
    this.#options.observer.changed();
  }

  #bootFailed({ record }: Slot, cause: FsbError): void {
    const { events, meter, log, observer } = this.#options;
    log.warn({ err: cause, shape: record.key, image: record.image }, 'an instance failed to boot');
    // The id is chosen inside the boot and is not known when it fails.
    events.emit({ type: 'boot-failed', instance: '', shape: record.key, cause: cause.message });
    meter.bootFailed(record.key, cause.code);
    observer.bootFailed(record, cause);
  }

  /** An instance that is being claimed by nobody yet goes to whoever waits, or becomes idle. */
  #settleIn(slot: Slot): void {
    if (this.#options.observer.offer(slot)) return;
    this.#move(slot, 'idle');
    this.#emit('idle', slot);
    this.#options.observer.changed();
  }

  /** By event, so that a dead idle instance is replaced before anyone asks for it. */
  #watch(slot: Slot, instance: Instance): void {
    void instance.failed.then((cause) => {
      if (slot.state !== 'idle') return;
      void this.discard(slot, cause.message);
      this.#options.observer.idleDied(slot);
    });
  }

  #stopping(slot: Slot): void {
    slot.gone = new Promise((resolve) => {
      slot.resolveGone = resolve;
    });
    this.#move(slot, 'stopping');
  }

  #free(slot: Slot): void {
    if (slot.makesRoom) this.#makingRoom -= 1;
    this.#forget(slot);
    slot.resolveGone?.();
    this.#options.observer.changed();
  }

  #forget(slot: Slot): void {
    if (slot.instance !== undefined) this.#byInstance.delete(slot.instance.id);
    this.#options.budget.release(slot.record.memory);
    this.#move(slot, 'out');
  }

  #move(slot: Slot, to: SlotState): void {
    const from = slot.state;
    slot.record.move(slot, to, this.#options.clock.monotonic());
    this.#size += Number(from === 'out') - Number(to === 'out');
    this.#unsettled += Number(isUnsettled(to)) - Number(isUnsettled(from));
    if (this.#waiting.length > 0) this.#tellWaiting();
  }

  #tellWaiting(): void {
    const due = this.#waiting.filter(({ until }) => until());
    this.#waiting = this.#waiting.filter((entry) => !due.includes(entry));
    for (const { resolve } of due) resolve();
  }

  #emit(type: 'created' | 'idle' | 'claimed' | 'returned', slot: Slot): void {
    this.#options.events.emit({ type, instance: slot.instance!.id, shape: slot.record.key });
  }
}
