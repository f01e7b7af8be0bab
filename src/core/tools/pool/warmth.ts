import type { PoolDetails } from '../../model/pool/pool.ts';

/** How far a pool is from having warm what its policy asks for. */
export interface Warmth {
  /** Instances of the warm shapes that are up, oldest first, claimed ones too. */
  up: string[];
  /** How many more the policy asks for. */
  missing: number;
  /** Why no more are tried for now; empty: they come. */
  obstacles: string[];
}

export function warmthOf({
  policy,
  shapes,
  instances,
}: Pick<PoolDetails, 'policy' | 'shapes' | 'instances'>): Warmth {
  const warm = shapes.filter((row) => row.warm > 0);
  const keys = new Set(warm.map((row) => row.shape));
  const up = instances
    .filter(({ shape, state }) => keys.has(shape) && state !== 'stopping')
    .map(({ id }) => id);
  const wanted = policy.warm.reduce((sum, { count }) => sum + count, 0);
  const obstacles = warm.flatMap(({ image, breaker }) =>
    breaker === undefined ? [] : [`${image}: ${breaker}`],
  );
  return { up, missing: Math.max(0, wanted - up.length), obstacles };
}
