import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { BootInstance } from '../pool.ts';
import type { Slot } from './shape-record.ts';

export interface BootsOptions {
  boot: BootInstance;
  /** Milliseconds; asked for at the start of each boot. */
  bootTimeout: () => number;
  /** Milliseconds by which a refill lets the claim that woke it go first; a boot that somebody waits for never waits. */
  refillDelay: number;
  clock: Clock;
  /** The instance is up, and the boot was still wanted or was given up meanwhile. */
  ready(slot: Slot): void;
  /** It did not come up, or was given up; nothing is left of it but, perhaps, `slot.instance`. */
  failed(slot: Slot, cause: FsbError): void;
  /** It takes too long: `slot.abortBoot` ends it. */
  timedOut(slot: Slot, cause: FsbError): void;
}

/** Runs boots, each bounded in time. What becomes of their slots is decided by whoever hears of it. */
export class Boots {
  readonly #options: BootsOptions;

  constructor(options: BootsOptions) {
    this.#options = options;
  }

  start(slot: Slot, refill: boolean): void {
    void this.#run(slot, refill ? this.#options.refillDelay : 0);
  }

  async #run(slot: Slot, delay: number): Promise<void> {
    const { boot, bootTimeout, clock, ready, failed, timedOut } = this.#options;
    const abort = new AbortController();
    slot.abortBoot = (cause) => abort.abort(cause);
    const limit = bootTimeout();
    const cancelTimer = clock.after(limit, () =>
      timedOut(slot, new FsbError('timeout', `the boot took longer than ${formatDuration(limit)}`)),
    );
    try {
      if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
      throwIfAborted(abort.signal);
      slot.instance = await boot(slot.record.shape, abort.signal);
    } catch (error) {
      failed(slot, FsbError.from(error));
      return;
    } finally {
      cancelTimer();
      slot.abortBoot = undefined;
    }
    ready(slot);
  }
}
