import type { Instance } from '../../instance/instance.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { BootInstance } from '../pool.ts';
import type { ShapeRecord, Slot } from './shape-record.ts';

export interface BootsOptions {
  boot: BootInstance;
  /** Milliseconds. */
  bootTimeout: number;
  /** Milliseconds by which a refill lets the claim that woke it go first; a boot that somebody waits for never waits. */
  refillDelay: number;
  clock: Clock;
  /** An instance is up. Its slot is still `booting`, or `stopping` when the boot was given up before. */
  booted(slot: Slot, instance: Instance): void;
  /** Not called for boots that were aborted. */
  failed(record: ShapeRecord, cause: FsbError): void;
  /** A boot was given up; it holds its room until it has ended. */
  gaveUp(): void;
  /** A boot has ended and left nothing behind. The slot is `stopping`. */
  endedWithNothing(slot: Slot): void;
}

/** The boots under way, each bounded in time. */
export class Boots {
  readonly #options: BootsOptions;
  readonly #booting = new Set<Slot>();

  constructor(options: BootsOptions) {
    this.#options = options;
  }

  start(record: ShapeRecord, refill: boolean): void {
    const slot: Slot = { record, state: 'booting', readyAt: 0, evicted: false };
    record.booting += 1;
    this.#booting.add(slot);
    void this.#run(slot, refill ? this.#options.refillDelay : 0);
  }

  /** The latest ones first, since the earlier ones are nearer to their end. */
  abort(cause: string, record?: ShapeRecord, count = Number.POSITIVE_INFINITY): void {
    const slots = [...this.#booting].filter((slot) => record === undefined || slot.record === record);
    for (const slot of slots.reverse().slice(0, count)) this.#giveUp(slot, new FsbError('cancelled', cause));
  }

  async #run(slot: Slot, delay: number): Promise<void> {
    const { boot, bootTimeout, clock } = this.#options;
    const abort = new AbortController();
    slot.abortBoot = (cause) => abort.abort(cause);
    const cancelTimer = clock.after(bootTimeout, () => this.#timedOut(slot));
    try {
      if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
      throwIfAborted(abort.signal);
      slot.instance = await boot(slot.record.shape, abort.signal);
    } catch (error) {
      this.#rejected(slot, FsbError.from(error));
      return;
    } finally {
      cancelTimer();
      slot.abortBoot = undefined;
    }
    if (this.#booting.delete(slot)) slot.record.booting -= 1;
    this.#options.booted(slot, slot.instance);
  }

  #rejected(slot: Slot, cause: FsbError): void {
    const unexpected = this.#booting.has(slot);
    if (unexpected) this.#leave(slot);
    this.#options.endedWithNothing(slot);
    if (unexpected) this.#options.failed(slot.record, cause);
  }

  #timedOut(slot: Slot): void {
    if (!this.#booting.has(slot)) return;
    const limit = formatDuration(this.#options.bootTimeout);
    const cause = new FsbError('timeout', `the boot took longer than ${limit}`);
    this.#giveUp(slot, cause);
    this.#options.failed(slot.record, cause);
  }

  #giveUp(slot: Slot, cause: FsbError): void {
    this.#leave(slot);
    slot.abortBoot?.(cause);
    this.#options.gaveUp();
  }

  #leave(slot: Slot): void {
    this.#booting.delete(slot);
    slot.state = 'stopping';
    slot.record.booting -= 1;
    slot.record.stopping += 1;
  }
}
