import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';
import type { PoolPolicyInput } from '../../core/model/pool/pool-policy.ts';
import type { World } from '../terminal/world.ts';
import { readPolicyFile } from './policy-file.ts';
import { type PolicyFlags, policyFromFlags } from './policy-from-flags.ts';

/** The file, key by key, and the flags over it. @throws invalid_argument */
export async function policyRequest(
  flags: PolicyFlags & { file?: string },
  world: World,
  signal: AbortSignal,
): Promise<Partial<PoolPolicyInput>> {
  const over = policyFromFlags(flags);
  if (flags.file === undefined) return over;
  const said = await readPolicyFile(flags.file, world, signal);
  const { mergePolicy } = await import('../../core/model/pool/pool-policy.ts');
  return mergePolicy(said as PoolPolicyInput, over);
}

/**
 * The one name that both may give: the command line and the file.
 * @throws invalid_argument when they differ, or none gives one
 */
export function poolName(given: string | undefined, inFile: string | undefined): string {
  if (given !== undefined && inFile !== undefined && given !== inFile)
    throw new FsbError('invalid_argument', `the pool is called ${given} here and ${inFile} in the file`, {
      hint: 'Leave the name out of one of them.',
    });
  const name = given ?? inFile;
  if (name === undefined)
    throw new FsbError('invalid_argument', 'the pool has no name', {
      hint: 'Name it on the command line, or with the key "name" in the file.',
    });
  assertName(name, 'pool name');
  return name;
}
