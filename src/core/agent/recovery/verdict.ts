import type { PoolPolicy } from '../../model/pool/pool.ts';
import { keepsFiles } from '../ledger/kept-files.ts';
import type { InstanceRecord, SlotRecord } from '../ledger/records.ts';

/**
 * What to do with an instance of an earlier core: decided by what is recorded. `keep-files`: with all else of it.
 * `unknown`: what its records say cannot be read. */
export type Verdict = 'take-up' | 'keep-idle' | 'keep-files' | 'destroy' | 'unknown';

/** @param slot the record of the sandbox that holds it, if one does */
export function verdict(
  alive: boolean,
  { use, shape }: Pick<InstanceRecord, 'use' | 'shape'>,
  slot: Pick<SlotRecord, 'end'> | undefined,
  policy: Pick<PoolPolicy, 'warmup' | 'reuse'> | undefined,
): Verdict {
  if (use?.by === 'files') return 'keep-files';
  if (use?.by === 'sandbox' && slot !== undefined) {
    if (alive && slot.end === undefined) return 'take-up';
    return keepsFiles(shape, policy) ? 'keep-files' : 'destroy';
  }
  // Its slot was not written any more: what it began with is its sandbox's all the same.
  if (use?.by === 'sandbox' && shape.again !== undefined) return 'keep-files';
  if (!alive) return 'destroy';
  // Nobody can tell whether the warm-up command of one that seems idle was ever run.
  if (use === undefined) return policy?.warmup.length === 0 ? 'keep-idle' : 'destroy';
  return use.by === 'lease' ? 'take-up' : 'destroy';
}
