import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import type { PoolPolicy } from '../../model/pool.ts';
import type { ProcessSpec } from '../../model/process.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { Shape } from '../../model/shape.ts';
import type { BootInstance } from '../pool.ts';
import type { Slot } from './shape-record.ts';
import { WarmUp } from './warm-up.ts';

/** How a command of the pool's own is started in an instance of a shape: with the environment of its image. */
export type ProcessFor = (shape: Shape, argv: string[]) => ProcessSpec | Promise<ProcessSpec>;

export interface BootsOptions {
  boot: BootInstance;
  processFor: ProcessFor;
  /** Looked at when a boot begins. */
  policy: () => Pick<PoolPolicy, 'bootTimeout' | 'warmup'>;
  /** Milliseconds by which a refill lets the claim that woke it go first; a boot that somebody waits for never waits. */
  refillDelay: number;
  clock: Clock;
  /** The instance is up, and is not ready yet. */
  created(slot: Slot): void;
  /** Its guest answered, and the warm-up command, if any, ended with 0. */
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
    const { boot, policy, clock, created, ready, failed, timedOut } = this.#options;
    const abort = new AbortController();
    slot.abortBoot = (cause) => abort.abort(cause);
    const { bootTimeout, warmup } = policy();
    let warmUp: WarmUp | undefined;
    const cancelTimer = clock.after(bootTimeout, () => timedOut(slot, tooLong(bootTimeout, warmUp)));
    try {
      if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
      throwIfAborted(abort.signal);
      slot.instance = await boot(slot.record.shape, abort.signal);
      created(slot);
      // A boot may come up although it was given up.
      throwIfAborted(abort.signal);
      if (warmup.length > 0) {
        warmUp = await this.#warmUp(slot, warmup);
        await warmUp.run(abort.signal);
      }
      slot.warmedUpWith = warmup;
    } catch (error) {
      failed(slot, FsbError.from(error));
      return;
    } finally {
      cancelTimer();
      slot.abortBoot = undefined;
    }
    ready(slot);
  }

  async #warmUp({ instance, record }: Slot, argv: string[]): Promise<WarmUp> {
    return new WarmUp(instance!.channel, await this.#options.processFor(record.shape, argv));
  }
}

function tooLong(limit: number, warmUp: WarmUp | undefined): FsbError {
  const during = warmUp === undefined ? '' : `; ${warmUp.describe()} was still running${warmUp.said()}`;
  return new FsbError('timeout', `the boot took longer than ${formatDuration(limit)}${during}`);
}
