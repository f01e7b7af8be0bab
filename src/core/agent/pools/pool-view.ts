import type {
  PoolDetails,
  PoolInfo,
  PoolInstance,
  PoolPolicy,
  PoolShapeStatus,
} from '../../model/pool/pool.ts';
import type { Pool, PooledInstance } from '../../pool/pool.ts';
import type { PoolRecord } from './pool-record.ts';
import type { MissingImage } from './warm-images.ts';

/** What people see of a pool. */
export function poolInfo(
  { policy, state, totals }: Pick<Pool, 'policy' | 'state' | 'totals'>,
  { createdAt }: Pick<PoolRecord, 'createdAt'>,
): PoolInfo {
  const { idle, claimed, booting, stopping, waiting, memory, min } = totals;
  return {
    ...{ name: policy.name, state, policy, createdAt },
    ...{ idle, claimed, booting, stopping, waiting, memory, min },
  };
}

export const poolDetails = (
  info: PoolInfo,
  shapes: PoolShapeStatus[],
  instances: readonly PooledInstance[],
  holderOf: (instanceId: string) => string | undefined,
): PoolDetails => ({
  ...info,
  shapes,
  instances: instances.map((pooled) => instanceView(pooled, holderOf(pooled.instance.id))),
});

function instanceView(
  { instance, shape, image, age }: PooledInstance,
  holder: string | undefined,
): PoolInstance {
  const { id, pid } = instance;
  return {
    id,
    shape,
    image,
    state: stateOf(instance),
    pid,
    age,
    ...(holder === undefined ? {} : { holder }),
  };
}

/** One that is dead, but whose teardown has not ended, is still stopping as far as the pool goes. */
function stateOf({ state }: PooledInstance['instance']): PoolInstance['state'] {
  if (state === 'suspended') return 'claimed';
  return state === 'booting' || state === 'dead' ? 'stopping' : state;
}

/** Rows for what cannot be kept warm, and why: without them a pool with a mistake would just seem lazy. */
export function missingRows(
  policy: Pick<PoolPolicy, 'name' | 'capacity'>,
  missing: readonly MissingImage[],
  problem: string | undefined,
): PoolShapeStatus[] {
  const rows = missing.map(({ image, count, why }) => row(policy, image, count, why));
  return problem === undefined
    ? rows
    : [...rows, row(policy, '', 0, `its stored policy is not used: ${problem}`)];
}

const row = (
  { name, capacity }: Pick<PoolPolicy, 'name' | 'capacity'>,
  image: string,
  warm: number,
  breaker: string,
): PoolShapeStatus => ({
  ...{ pool: name, shape: '', image, max: capacity.max, warm, breaker },
  ...{ idle: 0, claimed: 0, booting: 0, stopping: 0, waiting: 0, hits: 0, misses: 0, evicted: 0 },
});
