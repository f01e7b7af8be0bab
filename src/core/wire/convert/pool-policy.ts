import { FsbError } from '../../model/failure/errors.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import { PoolPolicy as WirePolicy } from '../gen/fsb/v1/pool.ts';
import { resourcesToWire } from './parts.ts';

/** A policy as the core holds it: everything is there. */
export function policyToWire(policy: PoolPolicy): WirePolicy {
  const { queue, health, autoscale } = policy;
  return {
    name: policy.name,
    warm: { entries: policy.warm },
    capacity: policy.capacity,
    memoryBudget: policy.memoryBudget,
    ttlMilliseconds: policy.ttl,
    maxAgeMilliseconds: policy.maxAge,
    onEmpty: policy.onEmpty,
    queue: { length: queue.length, timeoutMilliseconds: queue.timeout },
    reuse: policy.reuse,
    pauseIdle: policy.pauseIdle,
    health: { intervalMilliseconds: health.interval, timeoutMilliseconds: health.timeout },
    warmup: { argv: policy.warmup },
    autoscale: {
      ...{ enabled: autoscale.enabled, up: autoscale.up, down: autoscale.down, maxStep: autoscale.maxStep },
      windowMilliseconds: autoscale.window,
      cooldownMilliseconds: autoscale.cooldown,
    },
    runtime: policy.runtime,
    resources: resourcesToWire(policy.resources),
    leaseTtlMilliseconds: policy.leaseTtl,
    bootConcurrency: policy.bootConcurrency,
    bootTimeoutMilliseconds: policy.bootTimeout,
  };
}

/** @throws internal when something is missing: a default in its place would be an invented policy */
export function policyFromWire(wire: WirePolicy = WirePolicy.create()): PoolPolicy {
  const { size: _, ...said } = wire;
  const policy = complete('policy', said);
  const queue = complete('queue', policy.queue);
  const health = complete('health', policy.health);
  const { disk, ...limits } = policy.resources;
  const { windowMilliseconds, cooldownMilliseconds, ...scaling } = complete('autoscale', policy.autoscale);
  return {
    name: policy.name,
    warm: policy.warm.entries.map((entry) => complete('warm', entry)),
    capacity: complete('capacity', policy.capacity),
    memoryBudget: policy.memoryBudget,
    ttl: policy.ttlMilliseconds,
    maxAge: policy.maxAgeMilliseconds,
    onEmpty: policy.onEmpty as PoolPolicy['onEmpty'],
    queue: { length: queue.length, timeout: queue.timeoutMilliseconds },
    reuse: policy.reuse as PoolPolicy['reuse'],
    pauseIdle: policy.pauseIdle,
    health: { interval: health.intervalMilliseconds, timeout: health.timeoutMilliseconds },
    warmup: policy.warmup.argv,
    autoscale: { ...scaling, window: windowMilliseconds, cooldown: cooldownMilliseconds },
    runtime: policy.runtime,
    resources: { ...complete('resources', limits), ...(disk !== undefined && { disk }) },
    leaseTtl: policy.leaseTtlMilliseconds,
    bootConcurrency: policy.bootConcurrency,
    bootTimeout: policy.bootTimeoutMilliseconds,
  };
}

type Complete<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> };

function complete<T extends object>(section: string, fields: T | undefined): Complete<T> {
  const missing = Object.entries(fields ?? { [section]: undefined }).find(([, value]) => value === undefined);
  if (missing === undefined) return fields as Complete<T>;
  throw new FsbError('internal', `the core answered with a pool without ${missing[0]} in its ${section}`);
}
