import type { PoolPolicy } from '../../model/pool.ts';
import type { InstanceRecord, SlotRecord } from '../ledger/records.ts';

/** What to do with a living instance of an earlier core: decided by what is recorded. */
export type Verdict = 'take-up' | 'keep-idle' | 'destroy';

/** @param slot the record of the sandbox that holds it, if one does */
export function verdict(
  { use }: Pick<InstanceRecord, 'use'>,
  slot: Pick<SlotRecord, 'end'> | undefined,
  policy: Pick<PoolPolicy, 'warmup'>,
): Verdict {
  // Nobody can tell whether the warm-up command of one that seems idle was ever run.
  if (use === undefined) return policy.warmup.length === 0 ? 'keep-idle' : 'destroy';
  if (use.by === 'lease') return 'take-up';
  return use.by === 'sandbox' && slot !== undefined && slot.end === undefined ? 'take-up' : 'destroy';
}
