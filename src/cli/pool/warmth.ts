import { FsbError } from '../../core/model/failure/errors.ts';
import { familiarName } from '../../core/model/image/reference.ts';
import type { PoolDetails, PoolShapeStatus } from '../../core/model/pool/pool.ts';
import { type Warmth, warmthOf } from '../../core/model/pool/warmth.ts';
import { formatSize } from '../../core/model/quantity.ts';

/** How far a pool is on its way to have warm what its policy names. */
export interface Progress {
  done: boolean;
  /** For people: `host 2/4, python:3 0/2`. */
  text: string;
}

/**
 * @throws not_found when a warm image is not here, run_failed when its instances do not boot, conflict when somebody
 * stopped the pool: then it will not become warm
 */
export function progressOf(pool: PoolDetails): Progress {
  if (pool.state !== 'active')
    throw new FsbError('conflict', `pool ${pool.name} was ${pool.state} while it warmed`, {
      hint: `Start it again with: fsb-ctl pool start ${pool.name}`,
    });
  const warmth = warmthOf(pool);
  const [refused] = warmth.refused;
  if (refused !== undefined) throw cannotWarm(pool.name, refused);
  const keepsAny = pool.policy.warm.some(({ count }) => count > 0);
  return {
    done: warmth.missing === 0,
    text: keepsAny ? progressText(pool, warmth) : 'nothing to keep warm',
  };
}

/** Why a pool is not warm at the end of the time that was given to it: no_capacity with who has the room, or timeout. */
export function notWarm(pool: PoolDetails): FsbError {
  const message = `pool ${pool.name} is not warm: ${progressOf(pool).text}`;
  if (warmthOf(pool).lacks === undefined)
    return new FsbError('timeout', message, {
      hint: `See fsb-ctl pool status ${pool.name}, or wait longer.`,
    });
  const holders = pool.instances.flatMap(({ holder }) => (holder === undefined ? [] : [holder]));
  return new FsbError('no_capacity', `${message}${holders.length === 0 ? '' : `: ${holders.join(', ')}`}`, {
    hint: `Release some of them, or give it more room: fsb-ctl pool update ${pool.name} --max N --memory-budget SIZE`,
  });
}

function progressText(pool: PoolDetails, { kept, lacks }: Warmth): string {
  if (kept.length === 0) return 'looking for its images';
  const parts = kept.map(({ image, idle, warm }) => `${familiarName(image)} ${Math.min(idle, warm)}/${warm}`);
  return [...parts, ...(lacks === undefined ? [] : [`waiting for room: ${roomProblem(pool, lacks)}`])].join(
    ', ',
  );
}

const roomProblem = ({ claimed, policy }: PoolDetails, lacks: NonNullable<Warmth['lacks']>): string =>
  lacks === 'places'
    ? `${claimed} of at most ${policy.capacity.max} instances are in use`
    : `${claimed} instances are in use, and ${formatSize(policy.memoryBudget)} of memory are all there is`;

function cannotWarm(pool: string, { image, breaker, shape }: PoolShapeStatus): FsbError {
  const missing = shape === '';
  return new FsbError(
    missing ? 'not_found' : 'run_failed',
    `cannot warm pool ${pool}: image ${familiarName(image)}: ${breaker}`,
    {
      hint: missing
        ? `Pull it with: fsb-ctl image pull ${familiarName(image)}`
        : `Once that is mended: fsb-ctl pool update ${pool} --reset. Its boots are tried again in any case.`,
    },
  );
}
