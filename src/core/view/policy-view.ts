import type { PoolPolicy } from '../model/pool/pool.ts';
import type { PoolPolicyInput } from '../model/pool/pool-policy.ts';
import { formatDuration } from '../model/quantity.ts';

/** Can be given to `pool create -f` as it is: durations are texts, sizes bytes, as in the spec of a sandbox. */
export function policyView(policy: PoolPolicy): PoolPolicyInput {
  const { capacity, queue, health, autoscale } = policy;
  return {
    name: policy.name,
    warm: policy.warm,
    capacity: {
      min: capacity.min,
      max: capacity.max,
      buffer_min: capacity.bufferMin,
      buffer_max: capacity.bufferMax,
    },
    memory_budget: policy.memoryBudget,
    ttl: formatDuration(policy.ttl),
    max_age: formatDuration(policy.maxAge),
    on_empty: policy.onEmpty,
    queue: { length: queue.length, timeout: formatDuration(queue.timeout) },
    reuse: policy.reuse,
    pause_idle: policy.pauseIdle,
    health: { interval: formatDuration(health.interval), timeout: formatDuration(health.timeout) },
    warmup: policy.warmup,
    autoscale: {
      enabled: autoscale.enabled,
      up: autoscale.up,
      down: autoscale.down,
      window: formatDuration(autoscale.window),
      cooldown: formatDuration(autoscale.cooldown),
      max_step: autoscale.maxStep,
    },
    runtime: policy.runtime,
    resources: policy.resources,
    lease_ttl: formatDuration(policy.leaseTtl),
    boot_concurrency: policy.bootConcurrency,
    boot_timeout: formatDuration(policy.bootTimeout),
  };
}
