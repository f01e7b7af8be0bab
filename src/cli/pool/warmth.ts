import { FsbError } from '../../core/model/errors.ts';
import type { PoolDetails, PoolShapeStatus } from '../../core/model/pool.ts';
import { familiarName } from '../../core/model/reference.ts';

/** How far a pool is on its way to have warm what its policy names. */
export interface Warmth {
  done: boolean;
  /** For people: `host 2/4, python:3 0/2`. */
  text: string;
}

/**
 * @throws not_found when a warm image is not here, run_failed when its instances do not boot, conflict when somebody
 * stopped the pool: then it will not become warm
 */
export function warmth(pool: PoolDetails): Warmth {
  if (pool.state !== 'active')
    throw new FsbError('conflict', `pool ${pool.name} was ${pool.state} while it warmed`, {
      hint: `Start it again with: fsb-ctl pool start ${pool.name}`,
    });
  const kept = pool.shapes.filter(({ warm }) => warm > 0);
  const refused = kept.find((shape) => shape.breaker !== undefined && !isWarm(shape));
  if (refused !== undefined) throw cannotWarm(pool.name, refused);
  const wanted = pool.policy.warm.reduce((sum, { count }) => sum + count, 0);
  // Right after a change the shapes may not all be there yet: an image must be looked up first.
  const known = kept.reduce((sum, { warm }) => sum + warm, 0) >= wanted;
  const text = wanted === 0 ? 'nothing to keep warm' : progressText(pool, kept);
  return { done: known && kept.every(isWarm), text };
}

const isWarm = ({ idle, warm }: PoolShapeStatus): boolean => idle >= warm;

function progressText(pool: PoolDetails, kept: PoolShapeStatus[]): string {
  if (kept.length === 0) return 'looking for its images';
  const parts = kept.map(({ image, idle, warm }) => `${familiarName(image)} ${Math.min(idle, warm)}/${warm}`);
  return [...parts, ...roomProblem(pool, kept)].join(', ');
}

/** Why nothing moves, where that is because everything is in use. */
function roomProblem(pool: PoolDetails, kept: PoolShapeStatus[]): string[] {
  const { claimed, booting, stopping, idle, policy } = pool;
  const full = claimed + booting + stopping + idle >= policy.capacity.max;
  if (!full || booting + stopping > 0 || kept.every(isWarm)) return [];
  return [`waiting for room: ${claimed} of at most ${policy.capacity.max} instances are in use`];
}

function cannotWarm(pool: string, { image, breaker, shape }: PoolShapeStatus): FsbError {
  const missing = shape === '';
  return new FsbError(
    missing ? 'not_found' : 'run_failed',
    `cannot warm pool ${pool}: image ${familiarName(image)}: ${breaker}`,
    {
      hint: missing
        ? 'See the images that are here: fsb-ctl image list'
        : `Once that is mended: fsb-ctl pool update ${pool} --reset. Its boots are tried again in any case.`,
    },
  );
}
