import type { Logger } from 'pino';
import type { Instance } from '../../instance/instance.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { PoolMeter, PoolPolicy } from '../../model/pool/pool.ts';
import type { BootInstance, Claim } from '../pool.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';
import { Boots, type ProcessFor } from './boots.ts';
import type { Fleet } from './fleet.ts';
import type { Slots } from './slots.ts';

/** What the arrivals tell the pool; none of them may throw. */
interface ArrivalsObserver {
  /** Not called for boots that were given up on purpose. */
  bootFailed(record: ShapeRecord, cause: FsbError): void;
  bootSucceeded(record: ShapeRecord): void;
  /** Counts changed: the sizing has something to decide. */
  changed(): void;
}

export interface ArrivalsOptions {
  slots: Slots;
  fleet: Fleet;
  boot: BootInstance;
  processFor: ProcessFor;
  policy: () => PoolPolicy;
  /** See BootsOptions. */
  refillDelay: number;
  events: PoolEvents;
  meter: PoolMeter;
  observer: ArrivalsObserver;
  clock: Clock;
  log: Logger;
}

/** How instances come into the fleet: booted, or left by an earlier core. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #boots: Boots;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    const { boot, processFor, policy, refillDelay, clock } = options;
    this.#boots = new Boots({
      ...{ boot, processFor, policy, refillDelay, clock },
      created: (slot) => this.#created(slot),
      ready: (slot) => this.#ready(slot),
      failed: (slot, cause) => this.#failed(slot, cause),
      timedOut: (slot, cause) => this.#timedOut(slot, cause),
    });
  }

  /** Starts a boot; there must be room. `refill`: nobody waits for it. */
  boot(record: ShapeRecord, refill: boolean): void {
    this.#boots.start(this.#options.slots.open(record), refill);
  }

  /** Gives up the latest boots of a shape, all without a count: the earlier ones are nearer to their end. */
  abortBoots(record: ShapeRecord, cause: string, count = Number.POSITIVE_INFINITY): void {
    for (const slot of [...record.booting].reverse().slice(0, count))
      this.#giveUp(slot, new FsbError('cancelled', cause));
  }

  /** Gives up a boot because somebody waits for the room that it holds. */
  makeRoom(slot: Slot): void {
    this.#options.fleet.makesRoom(slot);
    this.#giveUp(slot, new FsbError('cancelled', 'somebody waits for its room'));
  }

  /**
   * Takes in an instance that lives already, as claimed (or suspended by its holder) or, when it is idle or paused, for whoever comes first.
   * @param age milliseconds for which a claimed one has been so
   */
  adopt(instance: Instance, record: ShapeRecord, age: number): Claim | undefined {
    const { slots, fleet, policy } = this.#options;
    const slot = slots.openAnyway(record);
    slot.instance = instance;
    slot.adopted = true;
    slot.paused = instance.state === 'paused';
    // Nobody knows who had it: it must not be handed out as new when the pool no longer uses instances again.
    slot.used = policy().reuse === 'sticky';
    slots.identify(slot);
    fleet.watch(slot);
    if (instance.state === 'claimed' || instance.state === 'suspended') {
      const claim = fleet.handOver(slot, true);
      slot.since -= age;
      return claim;
    }
    if (instance.state === 'idle' || instance.state === 'paused') fleet.settleIn(slot);
    else void fleet.discard(slot, `it was ${instance.state} when the core started`);
    return undefined;
  }

  #created(slot: Slot): void {
    const { slots, fleet } = this.#options;
    slots.identify(slot);
    slots.emit('created', slot);
    fleet.watch(slot);
  }

  #ready(slot: Slot): void {
    const { slots, fleet, clock, meter, observer } = this.#options;
    const { record, readyAt: began } = slot;
    // Given up in the very moment in which it became ready.
    if (slot.state === 'stopping') {
      void fleet.tearDown(slot, 'its boot was given up');
      return;
    }
    slot.readyAt = clock.monotonic();
    meter.booted(record.key, slot.readyAt - began);
    observer.bootSucceeded(record);
    slots.move(slot, 'claiming');
    fleet.settleIn(slot);
  }

  /** One that was given up holds its room until here. */
  #failed(slot: Slot, cause: FsbError): void {
    const { fleet } = this.#options;
    if (slot.state === 'booting') {
      void fleet.stopping(slot);
      this.#report(slot, cause);
    }
    if (slot.instance === undefined) fleet.ended(slot);
    else void fleet.tearDown(slot, cause.message);
  }

  #timedOut(slot: Slot, cause: FsbError): void {
    if (slot.state !== 'booting') return;
    this.#giveUp(slot, cause);
    this.#report(slot, cause);
  }

  #giveUp(slot: Slot, cause: FsbError): void {
    void this.#options.fleet.stopping(slot);
    slot.abortBoot?.(cause);
    this.#options.observer.changed();
  }

  #report({ record, instance }: Slot, cause: FsbError): void {
    const { events, meter, log, observer } = this.#options;
    log.warn({ err: cause, shape: record.key, image: record.image }, 'an instance failed to boot');
    // The id is chosen inside the boot: it is not known when nothing came up.
    const id = instance?.id ?? '';
    events.emit({ type: 'boot-failed', instance: id, shape: record.key, cause: cause.message });
    meter.bootFailed(record.key, cause.code);
    observer.bootFailed(record, cause);
  }
}
