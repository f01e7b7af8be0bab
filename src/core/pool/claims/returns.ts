import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Slots } from '../fleet/slots.ts';
import { unfit } from '../fleet/unfit.ts';
import type { Claim, ReleaseOptions } from '../pool.ts';
import type { Slot } from '../shapes/shape-record.ts';
import { notHeldError } from './claim-errors.ts';

export interface ReturnsOptions {
  policy: () => PoolPolicy;
  slots: Slots;
  fleet: Fleet;
  /** Whether idle instances are kept at all: not when the pool is stopped, drained or closing. */
  keepsIdle: () => boolean;
  clock: Clock;
}

/** Takes claims back: the instance is destroyed, or scrubbed and idle again. */
export class Returns {
  readonly #options: ReturnsOptions;

  constructor(options: ReturnsOptions) {
    this.#options = options;
  }

  async release(claim: Claim, { destroy = false }: ReleaseOptions = {}): Promise<void> {
    const { policy, slots, fleet } = this.#options;
    const { instance } = claim;
    const slot = slots.find(instance.id);
    // Before anything else: one that gives back twice must not touch what its next holder has.
    if (slot === undefined || slot.claim !== claim) throw notHeldError(policy().name, instance.id);
    fleet.takeBack(slot);
    const reason = destroy ? 'released' : this.#whyNotAgain(slot);
    if (reason !== undefined) return fleet.discard(slot, reason);
    try {
      await instance.recycle();
    } catch (error) {
      return fleet.discard(slot, FsbError.from(error).message);
    }
    // The pool may have changed meanwhile.
    const late = this.#whyNotAgain(slot);
    if (late !== undefined) return fleet.discard(slot, late);
    slot.record.lastUse = this.#options.clock.monotonic();
    fleet.readmit(slot);
  }

  #whyNotAgain(slot: Slot): string | undefined {
    const { policy, keepsIdle, clock } = this.#options;
    const { reuse, maxAge } = policy();
    if (reuse === 'one-shot' || !keepsIdle()) return 'released';
    if (maxAge > 0 && clock.monotonic() - slot.readyAt >= maxAge) return 'max_age';
    return unfit(slot, policy());
  }
}
