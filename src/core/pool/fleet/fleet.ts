import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { PoolMeter, PoolPolicy } from '../../model/pool/pool.ts';
import type { Claim } from '../pool.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';
import type { Slots } from './slots.ts';
import { Teardowns } from './teardowns.ts';
import { unfit } from './unfit.ts';

/** What the fleet tells the pool; none of them may throw. */
interface FleetObserver {
  /** An instance is ready. @returns whether somebody who waits was given it; else it becomes idle */
  offer(slot: Slot): boolean;
  becameIdle(slot: Slot): void;
  /** It died while nobody had it. */
  idleDied(slot: Slot): void;
  /** Counts or room changed: the sizing has something to decide. */
  changed(): void;
}

export interface FleetOptions {
  slots: Slots;
  policy: () => PoolPolicy;
  events: PoolEvents;
  meter: PoolMeter;
  observer: FleetObserver;
  clock: Clock;
  log: Logger;
}

/** The instances that have booted: whose they are, and how they end. Moves them between states, synchronously. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #slots: Slots;
  readonly #teardowns: Teardowns;
  #makingRoom = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#slots = options.slots;
    this.#teardowns = new Teardowns(options);
  }

  /** How many evictions for the sake of a waiter are under way. */
  get makingRoom(): number {
    return this.#makingRoom;
  }

  /** The idle instance whose turn it is, now being claimed. Idle ones that are known to be dead by now are discarded. */
  take(record: ShapeRecord): Slot | undefined {
    const { reuse } = this.#options.policy();
    for (;;) {
      const slot = nextOf(record.idle, reuse === 'sticky');
      if (slot === undefined) return undefined;
      this.#slots.move(slot, 'claiming');
      const state = slot.instance!.state;
      if (state === 'idle' || state === 'paused') return slot;
      void this.discard(slot, `it was found ${state}`);
    }
  }

  /** The health check is over: it has a holder now. */
  handOver(slot: Slot, hit: boolean): Claim {
    slot.claim = { instance: slot.instance!, hit };
    slot.used = true;
    this.#slots.move(slot, 'claimed');
    if (slot.paused) this.#slots.emit('resumed', slot);
    slot.paused = false;
    this.#slots.emit('claimed', slot);
    return slot.claim;
  }

  /** The holder gives it back; what becomes of it is decided next. */
  takeBack(slot: Slot): void {
    slot.claim = undefined;
    this.#slots.move(slot, 'returning');
    this.#slots.emit('returned', slot);
  }

  /** One that was given back is as good as new. */
  readmit(slot: Slot): void {
    this.#slots.move(slot, 'claiming');
    this.settleIn(slot);
  }

  /** A ready instance that nobody has yet goes to whoever waits, or becomes idle. */
  settleIn(slot: Slot): void {
    const { policy, observer } = this.#options;
    const reason = unfit(slot, policy());
    if (reason !== undefined) {
      void this.discard(slot, reason);
      return;
    }
    if (observer.offer(slot)) return;
    if (slot.record.shape.again !== undefined) {
      void this.discard(slot, 'nobody waits for it any more');
      return;
    }
    this.#slots.move(slot, 'idle');
    this.#slots.emit('idle', slot);
    observer.becameIdle(slot);
    observer.changed();
  }

  /** By event, so that a dead idle instance is replaced before anyone asks for it. */
  watch(slot: Slot): void {
    slot.instance!.onFailed((cause) => this.lose(slot, cause.message));
  }

  /** An idle instance turned out to be dead; for one that is not idle nothing happens: whoever has it finds out. */
  lose(slot: Slot, cause: string): void {
    if (slot.state !== 'idle') return;
    void this.discard(slot, cause);
    this.#options.observer.idleDied(slot);
  }

  /** Destroys an instance. @returns when its room is free, or the first try failed; idempotent */
  discard(slot: Slot, cause: string): Promise<void> {
    if (slot.gone !== undefined) return slot.gone;
    const gone = this.stopping(slot);
    void this.tearDown(slot, cause);
    return gone;
  }

  /** Destroys an idle instance because the pool has no place or no use for it. `cause` is one word. */
  evict(slot: Slot, cause: string): void {
    const { events, meter } = this.#options;
    slot.record.evicted += 1;
    if (cause === 'room') this.makesRoom(slot);
    events.emit({ type: 'evicted', instance: slot.instance!.id, shape: slot.record.key, cause });
    meter.evicted(cause);
    void this.discard(slot, cause);
  }

  /** It goes for the sake of a waiter, and is counted until it is gone. */
  makesRoom(slot: Slot): void {
    slot.makesRoom = true;
    this.#makingRoom += 1;
  }

  /** Idle ones that the policy of now does not allow to be idle go. */
  dropUnfit(record: ShapeRecord): void {
    for (const slot of [...record.idle]) {
      const reason = unfit(slot, this.#options.policy());
      if (reason !== undefined) void this.discard(slot, reason);
    }
  }

  /** From now on it only ends. @returns when its room is free, or the first try to destroy it failed */
  stopping(slot: Slot): Promise<void> {
    slot.claim = undefined;
    slot.gone = new Promise((resolve) => {
      slot.resolveGone = resolve;
    });
    this.#slots.move(slot, 'stopping');
    return slot.gone;
  }

  /**
   * Ends the instance of a stopping slot. Its room is held until it is really gone, also when that fails: what lives
   * counts, and what was given back for it would be spent twice. Nobody waits for a second try.
   */
  async tearDown(slot: Slot, cause: string): Promise<void> {
    const instance = slot.instance!;
    const gone = await this.#teardowns.run(instance, cause, () => {
      slot.stuck = true;
      slot.resolveGone?.();
    });
    if (!gone) return this.#slots.census.givenUp();
    const { events } = this.#options;
    events.emit({ type: 'destroyed', instance: instance.id, shape: slot.record.key, cause });
    this.ended(slot);
  }

  /** The pool is closed: what could not be destroyed is left to the next core. Idempotent. */
  close(): void {
    this.#teardowns.stop();
  }

  /** Nothing of it is left. */
  ended(slot: Slot): void {
    if (slot.makesRoom) this.#makingRoom -= 1;
    this.#slots.close(slot);
    slot.resolveGone?.();
    this.#options.observer.changed();
  }
}

/**
 * The newest, or the oldest where they are handed out in turn; but one that is just being frozen only when there is no
 * other, since the claim would have to wait for that.
 */
function nextOf(idle: readonly Slot[], oldestFirst: boolean): Slot | undefined {
  const inTurn = (index: number): Slot | undefined => idle.at(oldestFirst ? index : -1 - index);
  for (let index = 0; index < idle.length; index++) {
    const slot = inTurn(index)!;
    if (!slot.pausing) return slot;
  }
  return inTurn(0);
}
