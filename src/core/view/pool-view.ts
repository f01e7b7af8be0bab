import type { PoolDetails, PoolInfo, PoolInstance, PoolState } from '../model/pool/pool.ts';
import type { PoolPolicyInput } from '../model/pool/pool-policy.ts';
import { policyView } from './policy-view.ts';
import { type PoolShapeView, poolShapeView } from './pool-shape-view.ts';
import { timestamp } from './timestamp.ts';

/** A pool as `-o json` and `-o yaml` show it. */
export interface PoolView {
  name: string;
  state: PoolState;
  created_at: string;
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  /** Of the budget, taken. */
  memory_bytes: number;
  /** capacity.min as the autoscaler has it now. */
  min: number;
  /** With every default filled in; `pool create -f` takes it as it is. */
  policy: PoolPolicyInput;
}

/** A living instance, in `pool get`. */
export interface InstanceView {
  id: string;
  shape: string;
  image: string;
  state: PoolInstance['state'];
  pid: number;
  /** How long it has been in its state. */
  age_ms: number;
  /** `sandbox NAMESPACE/NAME` or `lease ID`; null while nobody has it. */
  holder: string | null;
}

export interface PoolDetailsView extends PoolView {
  shapes: PoolShapeView[];
  /** Oldest first. */
  instances: InstanceView[];
}

export function poolView(pool: PoolInfo): PoolView {
  const { name, state, idle, claimed, booting, stopping, waiting, memory, min, policy } = pool;
  return {
    ...{ name, state, created_at: timestamp(pool.createdAt) },
    ...{ idle, claimed, booting, stopping, waiting, memory_bytes: memory, min },
    policy: policyView(policy),
  };
}

const instanceView = ({ id, shape, image, state, pid, age, holder }: PoolInstance): InstanceView => ({
  ...{ id, shape, image, state, pid, age_ms: age, holder: holder ?? null },
});

export const poolDetailsView = ({ shapes, instances, ...pool }: PoolDetails): PoolDetailsView => ({
  ...poolView(pool),
  shapes: shapes.map(poolShapeView),
  instances: instances.map(instanceView),
});
