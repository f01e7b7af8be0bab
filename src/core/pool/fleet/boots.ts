import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import type { ProcessSpec } from '../../model/process.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { Shape } from '../../model/sandbox/shape.ts';
import type { BootInstance } from '../pool.ts';
import type { Slot } from '../shapes/shape-record.ts';
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
    void this.#run(slot, refill ? this.#untilHurried(slot) : undefined);
  }

  async #run(slot: Slot, lowUntil: AbortSignal | undefined): Promise<void> {
    const { boot, policy, clock, created, ready, failed, timedOut } = this.#options;
    const abort = new AbortController();
    slot.abortBoot = (cause) => abort.abort(cause);
    const { bootTimeout, warmup } = policy();
    let warmUp: WarmUp | undefined;
    const cancelTimer = clock.after(bootTimeout, () => timedOut(slot, tooLong(bootTimeout, warmUp)));
    try {
      if (lowUntil !== undefined) await this.#letClaimsGoFirst(lowUntil);
      throwIfAborted(abort.signal);
      slot.instance = await boot(slot.record.shape, abort.signal, lowUntil);
      created(slot);
      // A boot may come up although it was given up.
      throwIfAborted(abort.signal);
      if (warmup.length > 0 && !slot.record.shape.toolsOnly) {
        warmUp = await this.#warmUp(slot, warmup);
        await warmUp.run(abort.signal);
      }
      // One for tools alone is as warm as it will ever be.
      slot.warmedUpWith = warmup;
    } catch (error) {
      failed(slot, FsbError.from(error));
      return;
    } finally {
      cancelTimer();
      slot.abortBoot = undefined;
      slot.hurryBoot = undefined;
    }
    ready(slot);
  }

  #untilHurried(slot: Slot): AbortSignal {
    const hurry = new AbortController();
    slot.hurryBoot = () => hurry.abort();
    return hurry.signal;
  }

  #letClaimsGoFirst(hurried: AbortSignal): Promise<void> {
    const { refillDelay, clock } = this.#options;
    if (refillDelay <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(refillDelay, resolve);
      const hurry = (): void => {
        cancel();
        resolve();
      };
      hurried.addEventListener('abort', hurry, { once: true });
    });
  }

  async #warmUp({ instance, record }: Slot, argv: string[]): Promise<WarmUp> {
    return new WarmUp(instance!.channel, await this.#options.processFor(record.shape, argv));
  }
}

function tooLong(limit: number, warmUp: WarmUp | undefined): FsbError {
  const during = warmUp === undefined ? '' : `; ${warmUp.describe()} was still running${warmUp.said()}`;
  return new FsbError('timeout', `the boot took longer than ${formatDuration(limit)}${during}`);
}
