import type { PoolPolicyInput } from '../../model/pool/pool-policy.ts';
import type { PoolPolicy as WirePolicy } from '../gen/fsb/v1/pool.ts';
import {
  bytes,
  defined,
  definedOrNone,
  durationFromWire,
  milliseconds,
  saidResourcesToWire,
} from './parts.ts';

type PolicyInput = Partial<PoolPolicyInput>;

/**
 * Protobuf has no place for a key it does not know or a value of another type, and would drop them silently. The core's
 * own validation refuses them here, with the same words; what is right only together the core alone can tell. It is
 * loaded here because nothing else of a client needs it.
 *
 * @param name of the pool that `policy` changes; left out: the policy brings its own
 * @throws invalid_argument
 */
export async function assertPolicyFitsWire(policy: PolicyInput, name?: string): Promise<void> {
  const { readPolicy } = await import('../../model/pool/pool-policy.ts');
  readPolicy(name === undefined ? policy : { name, ...policy });
}

/** What a user said. It must have passed assertPolicyFitsWire. */
export function policyInputToWire(said: PolicyInput): WirePolicy {
  const { capacity, queue, health, autoscale } = said;
  return {
    name: said.name,
    size: said.size,
    warm: said.warm && { entries: said.warm },
    capacity: capacity && {
      ...{ min: capacity.min, max: capacity.max },
      ...{ bufferMin: capacity.buffer_min, bufferMax: capacity.buffer_max },
    },
    memoryBudget: bytes(said.memory_budget),
    ttlMilliseconds: milliseconds(said.ttl),
    maxAgeMilliseconds: milliseconds(said.max_age),
    onEmpty: said.on_empty,
    queue: queue && { length: queue.length, timeoutMilliseconds: milliseconds(queue.timeout) },
    reuse: said.reuse,
    pauseIdle: said.pause_idle,
    health: health && {
      intervalMilliseconds: milliseconds(health.interval),
      timeoutMilliseconds: milliseconds(health.timeout),
    },
    warmup: said.warmup && { argv: said.warmup },
    autoscale: autoscale && {
      ...{ enabled: autoscale.enabled, up: autoscale.up, down: autoscale.down },
      windowMilliseconds: milliseconds(autoscale.window),
      cooldownMilliseconds: milliseconds(autoscale.cooldown),
      maxStep: autoscale.max_step,
    },
    runtime: said.runtime,
    resources: said.resources && saidResourcesToWire(said.resources),
    leaseTtlMilliseconds: milliseconds(said.lease_ttl),
    bootConcurrency: said.boot_concurrency,
    bootTimeoutMilliseconds: milliseconds(said.boot_timeout),
  };
}

/** What a client asked for, as the core validates it: words that the core does not know are kept for it to refuse. */
export function policyInputFromWire(wire: WirePolicy): PolicyInput {
  const { capacity, queue, health, autoscale } = wire;
  return defined({
    name: wire.name,
    size: wire.size,
    warm: wire.warm?.entries.map(({ image, count }) => defined({ image, count })),
    capacity: definedOrNone(
      capacity && {
        ...{ min: capacity.min, max: capacity.max },
        ...{ buffer_min: capacity.bufferMin, buffer_max: capacity.bufferMax },
      },
    ),
    memory_budget: wire.memoryBudget,
    ttl: durationFromWire(wire.ttlMilliseconds),
    max_age: durationFromWire(wire.maxAgeMilliseconds),
    on_empty: wire.onEmpty as PolicyInput['on_empty'],
    queue: definedOrNone(
      queue && { length: queue.length, timeout: durationFromWire(queue.timeoutMilliseconds) },
    ),
    reuse: wire.reuse as PolicyInput['reuse'],
    pause_idle: wire.pauseIdle,
    health: definedOrNone(
      health && {
        interval: durationFromWire(health.intervalMilliseconds),
        timeout: durationFromWire(health.timeoutMilliseconds),
      },
    ),
    warmup: wire.warmup?.argv,
    autoscale: definedOrNone(
      autoscale && {
        ...{ enabled: autoscale.enabled, up: autoscale.up, down: autoscale.down },
        window: durationFromWire(autoscale.windowMilliseconds),
        cooldown: durationFromWire(autoscale.cooldownMilliseconds),
        max_step: autoscale.maxStep,
      },
    ),
    runtime: wire.runtime,
    resources: definedOrNone(wire.resources),
    lease_ttl: durationFromWire(wire.leaseTtlMilliseconds),
    boot_concurrency: wire.bootConcurrency,
    boot_timeout: durationFromWire(wire.bootTimeoutMilliseconds),
  });
}
