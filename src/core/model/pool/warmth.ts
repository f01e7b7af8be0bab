import { familiarName } from '../image/reference.ts';
import type { PoolDetails, PoolShapeStatus } from './pool.ts';
import type { PoolPolicyInput } from './pool-policy.ts';

/** How far a pool is from having idle what its policy keeps warm. */
export interface Warmth {
  /** The shapes that are kept warm. Right after a change some may not be there yet: an image must be looked up first. */
  kept: PoolShapeStatus[];
  /** How many idle ones it lacks; 0: it is warm. */
  missing: number;
  /** Kept shapes that lack some, and whose boots are refused. */
  refused: PoolShapeStatus[];
  /** What those that are in use leave too little of, while nothing is about to make room. */
  lacks?: 'places' | 'memory';
}

type Pool = Pick<PoolDetails, 'policy' | 'shapes' | 'idle' | 'claimed' | 'booting' | 'stopping' | 'memory'>;

export function warmthOf(pool: Pool): Warmth {
  const kept = pool.shapes.filter(({ warm }) => warm > 0);
  const wanted = pool.policy.warm.reduce((sum, { count }) => sum + count, 0);
  const known = kept.reduce((sum, { warm }) => sum + warm, 0);
  const lacking = kept.reduce((sum, row) => sum + lackOf(row), 0);
  const missing = Math.max(0, wanted - known) + lacking;
  const refused = kept.filter((row) => row.breaker !== undefined && lackOf(row) > 0);
  const lacks = lacking > 0 ? shortage(pool) : undefined;
  return { kept, missing, refused, ...(lacks === undefined ? {} : { lacks }) };
}

const lackOf = ({ idle, warm }: PoolShapeStatus): number => Math.max(0, warm - idle);

function shortage({ policy, idle, claimed, booting, stopping, memory }: Pool): Warmth['lacks'] {
  if (claimed === 0 || booting + stopping > 0) return undefined;
  if (claimed + idle >= policy.capacity.max) return 'places';
  return memory + policy.resources.memory > policy.memoryBudget ? 'memory' : undefined;
}

type Warm = Pick<PoolPolicyInput, 'warm'>;

/** Images of an earlier list that a later one has not, as --warm takes them: `alpine:3.20=2`. */
export function noLongerWarm({ warm: before = [] }: Warm, { warm: after = [] }: Warm): string[] {
  const kept = new Set(after.map(({ image }) => familiarName(image)));
  return before
    .filter(({ image, count }) => count !== 0 && !kept.has(familiarName(image)))
    .map(({ image, count }) => (count === undefined ? image : `${image}=${count}`));
}
