import { z } from 'zod';
import { FsbError } from '../../model/failure/errors.ts';
import { DEFAULT_POOL, isName } from '../../model/ids.ts';
import type { PoolPolicy, PoolState } from '../../model/pool/pool.ts';
import {
  defaultPolicy,
  type NodeSize,
  type PoolPolicyInput,
  parsePolicy,
} from '../../model/pool/pool-policy.ts';

/** What survives the core of one pool; the key is its name. Written before a change takes effect. */
export interface PoolRecord {
  /** What users said in all; what they did not say may be otherwise on another day or another machine. */
  said: PoolPolicyInput;
  state: PoolState;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

export const POOL_RECORD_VERSION = 1;

const recordSchema = z.looseObject({
  // The rest of it is the business of storedPolicy().
  said: z.looseObject({ name: z.string().refine(isName) }),
  state: z.enum(['active', 'stopped', 'drained']),
  createdAt: z.number(),
});

export const isPoolRecord = (value: unknown): boolean => recordSchema.safeParse(value).success;

/** What a policy is held against. */
export interface PolicyGround {
  node: NodeSize;
  /** What boots the instances of this node. */
  runtime: string;
}

/**
 * The policy that comes of what users said.
 * @throws invalid_argument, also for a runtime that this node does not boot with
 */
export function policyOf(said: PoolPolicyInput, { node, runtime }: PolicyGround): PoolPolicy {
  const policy = said.name === DEFAULT_POOL ? defaultPolicy(node, said) : parsePolicy(said, node);
  if (policy.runtime !== 'auto' && policy.runtime !== runtime)
    throw new FsbError(
      'invalid_argument',
      `pool ${policy.name} asks for runtime ${policy.runtime}, but this node boots with ${runtime}`,
      { hint: `Leave runtime out of the policy, or say auto or ${runtime}.` },
    );
  return policy;
}

/**
 * The same for a record, which must not keep the core from starting: one that is not valid here (another machine,
 * another version) gives a pool that keeps nothing warm, and says why.
 */
export function storedPolicy(
  said: PoolPolicyInput,
  ground: PolicyGround,
): { policy: PoolPolicy; problem?: string } {
  try {
    return { policy: policyOf(said, ground) };
  } catch (error) {
    const nothing = { name: said.name, warm: [] };
    return { policy: policyOf(nothing, ground), problem: FsbError.from(error).message };
  }
}
