import type { Logger } from 'pino';
import type { Instance } from '../../instance/instance.ts';
import type { Clock } from '../../model/clock.ts';
import type { FsbError } from '../../model/errors.ts';
import type { BootInstance } from '../pool.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import { Boots } from './boots.ts';
import type { Budget } from './budget.ts';
import type { ShapeRecord, Slot } from './shape-record.ts';

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

interface FleetOptions {
  boot: BootInstance;
  /** Milliseconds. */
  bootTimeout: number;
  /** See BootsOptions. */
  refillDelay: number;
  budget: Budget;
  events: PoolEvents;
  observer: FleetObserver;
  clock: Clock;
  log: Logger;
}

/** Every instance of the pool, in every state. Moves them between states, and the budget with them, synchronously. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #byInstance = new Map<string, Slot>();
  readonly #boots: Boots;
  #unsettled = 0;
  #evicting = 0;
  #quietCallbacks: (() => void)[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    const { boot, bootTimeout, refillDelay, clock, observer } = options;
    this.#boots = new Boots({
      boot,
      bootTimeout,
      refillDelay,
      clock,
      booted: (slot, instance) => this.#booted(slot, instance),
      failed: (record, cause) => this.#bootFailed(record, cause),
      gaveUp: () => observer.changed(),
      endedWithNothing: (slot) => this.#free(slot),
    });
  }

  get evicting(): number {
    return this.#evicting;
  }

  find(instanceId: string): Slot | undefined {
    return this.#byInstance.get(instanceId);
  }

  /** Starts a boot; there must be room. How it ends is told to the observer. */
  /** `refill`: nobody waits for it. */
  boot(record: ShapeRecord, refill: boolean): void {
    this.#options.budget.reserve(record.memory);
    this.#unsettled += 1;
    this.#boots.start(record, refill);
  }

  /** Gives up the latest boots of a shape, or, without one, all boots. Their room is free when they have ended. */
  abortBoots(cause: string, record?: ShapeRecord, count?: number): void {
    this.#boots.abort(cause, record, count);
  }

  /** Takes in an instance that lives already, as claimed or, when it is idle or paused, for whoever comes first. */
  adopt(instance: Instance, record: ShapeRecord): void {
    this.#options.budget.add(record.memory);
    const slot: Slot = {
      record,
      state: 'claimed',
      instance,
      readyAt: Number.NEGATIVE_INFINITY,
      evicted: false,
    };
    this.#byInstance.set(instance.id, slot);
    if (instance.state === 'idle' || instance.state === 'paused') {
      this.#settleIn(slot, instance);
      return;
    }
    record.claimed += 1;
    if (instance.state === 'claimed') this.#emit('claimed', slot);
    else void this.discard(slot, `it was ${instance.state} when the core started`);
  }

  /** The newest idle instance, now being claimed. Idle ones that are known to be dead by now are discarded. */
  take(record: ShapeRecord): Slot | undefined {
    for (let slot = record.idle.pop(); slot !== undefined; slot = record.idle.pop()) {
      this.#claiming(slot);
      const state = slot.instance!.state;
      if (state === 'idle' || state === 'paused') return slot;
      void this.discard(slot, `it was found ${state}`);
    }
    return undefined;
  }

  /** The health check is over; without a call for it, close() would wait for ever. */
  claimEnded(slot: Slot): void {
    if (slot.state !== 'claiming') return;
    slot.state = 'claimed';
    this.#settled();
  }

  /** Destroys an instance. @returns when its room is free; idempotent */
  discard(slot: Slot, cause: string): Promise<void> {
    if (slot.gone !== undefined) return slot.gone;
    const { record } = slot;
    if (slot.state === 'idle') this.#removeIdle(slot);
    else record.claimed -= 1;
    if (slot.state !== 'claiming') this.#unsettled += 1;
    slot.state = 'stopping';
    record.stopping += 1;
    slot.gone = this.#teardown(slot, cause);
    return slot.gone;
  }

  /** Destroys an idle instance to make room. */
  evict(slot: Slot, cause: string): void {
    slot.evicted = true;
    slot.record.evicted += 1;
    this.#evicting += 1;
    const { instance, record } = slot;
    this.#options.events.emit({ type: 'evicted', instance: instance!.id, shape: record.key, cause });
    void this.discard(slot, cause);
  }

  /** Leaves an idle instance running and forgets it: the next core finds it. */
  async letGo(slot: Slot): Promise<void> {
    this.#removeIdle(slot);
    // Its `failed` may settle once the channel is let go; that must not destroy it.
    slot.state = 'stopping';
    this.#byInstance.delete(slot.instance!.id);
    this.#options.budget.release(slot.record.memory);
    try {
      await slot.instance!.detach();
    } catch (error) {
      this.#options.log.warn(
        { err: error, instance: slot.instance!.id },
        'detaching from an idle instance failed',
      );
    }
  }

  /** Resolves when nothing boots, is being claimed or is being torn down. */
  quiet(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quietCallbacks.push(resolve));
  }

  /** Resolves when no instance of a shape is being torn down, and no boot of it that was given up is under way. */
  stopped(record: ShapeRecord): Promise<void> {
    if (record.stopping === 0) return Promise.resolve();
    return new Promise((resolve) => record.stoppedCallbacks.push(resolve));
  }

  #booted(slot: Slot, instance: Instance): void {
    this.#byInstance.set(instance.id, slot);
    this.#emit('created', slot);
    if (slot.state === 'stopping') {
      // It came up although it was given up: nobody may have it, and its room is held until it is gone.
      void this.#teardown(slot, 'its boot was given up');
      return;
    }
    slot.readyAt = this.#options.clock.monotonic();
    this.#options.observer.bootSucceeded(slot.record);
    this.#settleIn(slot, instance);
    this.#settled();
  }

  #bootFailed(record: ShapeRecord, cause: FsbError): void {
    const { events, log, observer } = this.#options;
    log.warn({ err: cause, shape: record.key, image: record.image }, 'an instance failed to boot');
    // The id is chosen inside the boot and is not known when it fails.
    events.emit({ type: 'boot-failed', instance: '', shape: record.key, cause: cause.message });
    observer.bootFailed(record, cause);
  }

  /** A ready instance goes to whoever waits, or becomes idle. */
  #settleIn(slot: Slot, instance: Instance): void {
    this.#watch(slot, instance);
    this.#claiming(slot);
    if (this.#options.observer.offer(slot)) return;
    this.claimEnded(slot);
    slot.state = 'idle';
    slot.record.claimed -= 1;
    slot.record.idle.push(slot);
    this.#emit('idle', slot);
    this.#options.observer.changed();
  }

  #claiming(slot: Slot): void {
    slot.state = 'claiming';
    slot.record.claimed += 1;
    this.#unsettled += 1;
  }

  /** By event, so that a dead idle instance is replaced before anyone asks for it. */
  #watch(slot: Slot, instance: Instance): void {
    void instance.failed.then((cause) => {
      if (slot.state !== 'idle') return;
      void this.discard(slot, cause.message);
      this.#options.observer.idleDied(slot);
    });
  }

  async #teardown(slot: Slot, cause: string): Promise<void> {
    const instance = slot.instance!;
    try {
      await instance.destroy(cause);
    } catch (error) {
      // What is left is the janitor's; holding the room for ever would shrink the pool with each such failure.
      this.#options.log.error({ err: error, instance: instance.id }, 'an instance could not be destroyed');
    }
    this.#byInstance.delete(instance.id);
    this.#options.events.emit({ type: 'destroyed', instance: instance.id, shape: slot.record.key, cause });
    this.#free(slot);
  }

  #free(slot: Slot): void {
    if (slot.evicted) this.#evicting -= 1;
    slot.record.stopping -= 1;
    if (slot.record.stopping === 0) for (const callback of slot.record.stoppedCallbacks.splice(0)) callback();
    this.#options.budget.release(slot.record.memory);
    this.#settled();
    this.#options.observer.changed();
  }

  #settled(): void {
    this.#unsettled -= 1;
    if (this.#unsettled > 0) return;
    const callbacks = this.#quietCallbacks;
    this.#quietCallbacks = [];
    for (const callback of callbacks) callback();
  }

  #removeIdle(slot: Slot): void {
    const index = slot.record.idle.indexOf(slot);
    if (index >= 0) slot.record.idle.splice(index, 1);
  }

  #emit(type: 'created' | 'idle' | 'claimed', slot: Slot): void {
    this.#options.events.emit({ type, instance: slot.instance!.id, shape: slot.record.key });
  }
}
