import type { PoolChange } from '../../api/pool-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type {
  PoolDetails,
  PoolInfo,
  PoolInstance,
  PoolShapeStatus,
  PoolState,
} from '../../model/pool/pool.ts';
import type { PoolPolicyInput } from '../../model/pool/pool-policy.ts';
import { defaultResources, type NetworkMode, type ShapeSummary } from '../../model/sandbox/shape.ts';
import type {
  CreatePoolRequest,
  GetPoolResponse,
  UpdatePoolRequest,
  PoolInstance as WireInstance,
  PoolInfo as WirePool,
  PoolShapeStatus as WireStatus,
  ShapeSummary as WireSummary,
} from '../gen/fsb/v1/pool.ts';
import { defined, resourcesToWire } from './parts.ts';
import { policyFromWire, policyToWire } from './pool-policy.ts';
import { policyInputFromWire, policyInputToWire } from './pool-policy-input.ts';

export function poolStatusToWire({ p50, p99, bootedWith, ...row }: PoolShapeStatus): WireStatus {
  return {
    ...row,
    ...{ p50Milliseconds: p50, p99Milliseconds: p99 },
    bootedWith: bootedWith && { ...bootedWith, resources: resourcesToWire(bootedWith.resources) },
  };
}

export function poolStatusFromWire({
  p50Milliseconds,
  p99Milliseconds,
  bootedWith,
  ...row
}: WireStatus): PoolShapeStatus {
  return defined({
    ...row,
    ...{ p50: p50Milliseconds, p99: p99Milliseconds },
    bootedWith: bootedWith && summaryFromWire(bootedWith),
  });
}

const summaryFromWire = ({ resources, network, ...summary }: WireSummary): ShapeSummary => ({
  ...summary,
  network: network as NetworkMode,
  resources: { ...defaultResources, ...defined(resources ?? {}) },
});

export function poolToWire({ policy, createdAt, ...info }: PoolInfo): WirePool {
  return { ...info, policy: policyToWire(policy), createdAtMilliseconds: createdAt };
}

export function poolFromWire(wire: WirePool | undefined): PoolInfo {
  if (wire === undefined) throw new FsbError('internal', 'the core answered without a pool');
  const { policy, createdAtMilliseconds, state, ...info } = wire;
  return {
    ...{ ...info, state: state as PoolState },
    ...{ policy: policyFromWire(policy), createdAt: createdAtMilliseconds },
  };
}

export function poolDetailsToWire({ shapes, instances, ...info }: PoolDetails): GetPoolResponse {
  return {
    pool: poolToWire(info),
    shapes: shapes.map(poolStatusToWire),
    instances: instances.map(({ age, ...instance }) => ({ ...instance, ageMilliseconds: age })),
  };
}

export function poolDetailsFromWire({ pool, shapes, instances }: GetPoolResponse): PoolDetails {
  return {
    ...poolFromWire(pool),
    shapes: shapes.map(poolStatusFromWire),
    instances: instances.map(instanceFromWire),
  };
}

function instanceFromWire({ ageMilliseconds, state, ...instance }: WireInstance): PoolInstance {
  return defined({ ...instance, state: state as PoolInstance['state'], age: ageMilliseconds });
}

export const changeToWire = (
  name: string,
  { policy, start, reset, pressure }: PoolChange,
): UpdatePoolRequest => ({
  name,
  policy: policy && policyInputToWire(policy),
  start: start ?? false,
  reset: reset ?? false,
  pressure,
});

export const changeFromWire = ({ policy, start, reset, pressure }: UpdatePoolRequest): PoolChange =>
  defined({ policy: policy && policyInputFromWire(policy), start, reset, pressure });

/** The request of a new pool; one without a policy is for the validation to refuse. */
export const newPoolFromWire = ({ policy }: CreatePoolRequest): PoolPolicyInput =>
  (policy === undefined ? {} : policyInputFromWire(policy)) as PoolPolicyInput;

/** @throws invalid_argument: a timer takes NaN for 0, and a deadline that no clock reaches for one that has passed */
export function waitFromWire({ timeoutMilliseconds: timeout }: { timeoutMilliseconds?: number }): {
  timeout?: number;
} {
  if (timeout === undefined) return {};
  if (timeout >= 0 && timeout <= Number.MAX_SAFE_INTEGER) return { timeout };
  throw new FsbError('invalid_argument', `a pool cannot be given ${timeout} milliseconds as its timeout`, {
    hint: 'Give a number of milliseconds, 0 or more; without one it is a minute.',
  });
}
