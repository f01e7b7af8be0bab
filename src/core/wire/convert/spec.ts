import type { SandboxSpec, SandboxSpecInput } from '../../model/sandbox/spec.ts';
import {
  ConsistencyMode,
  type CreateRequest,
  FailurePolicy,
  type SandboxSpec as WireSpec,
} from '../gen/fastpath/v1/fastpath.ts';
import { defined, durationFromWire, mountFromWire, mountToWire, resourcesToWire } from './parts.ts';

/** The spec as the core holds it, both ways. */
export function specToWire(spec: SandboxSpec): WireSpec {
  return {
    image: spec.image,
    command: spec.command,
    args: spec.args,
    envs: spec.envs,
    workingDir: spec.working_dir,
    user: spec.user,
    tty: spec.tty,
    stdin: spec.stdin,
    poolRef: spec.pool_ref,
    exposedPorts: spec.exposed_ports,
    consistencyMode: spec.consistency_mode === 'strong' ? ConsistencyMode.STRONG : ConsistencyMode.FAST,
    failurePolicy: spec.failure_policy === 'Manual' ? FailurePolicy.MANUAL : FailurePolicy.AUTO_RECREATE,
    recoveryTimeoutSeconds: spec.recovery_timeout_seconds,
    expireTimeSeconds: spec.expire_time,
    ttlMilliseconds: spec.ttl,
    labels: spec.labels,
    resources: resourcesToWire(spec.resources),
    network: spec.network,
    mounts: spec.mounts.map(mountToWire),
    gracePeriodMilliseconds: spec.grace_period,
  };
}

export function specFromWire(wire: WireSpec): SandboxSpec {
  return {
    image: wire.image,
    command: wire.command,
    args: wire.args,
    envs: wire.envs,
    working_dir: wire.workingDir,
    user: wire.user,
    tty: wire.tty,
    stdin: wire.stdin,
    pool_ref: wire.poolRef,
    exposed_ports: wire.exposedPorts,
    consistency_mode: wire.consistencyMode === ConsistencyMode.STRONG ? 'strong' : 'fast',
    failure_policy: wire.failurePolicy === FailurePolicy.MANUAL ? 'Manual' : 'AutoRecreate',
    recovery_timeout_seconds: wire.recoveryTimeoutSeconds,
    expire_time: wire.expireTimeSeconds,
    ...(wire.ttlMilliseconds === undefined ? {} : { ttl: wire.ttlMilliseconds }),
    labels: wire.labels,
    resources: defined({ ...wire.resources }),
    network: wire.network === 'host' ? 'host' : 'none',
    mounts: wire.mounts.map((m) => ({ source: m.source, target: m.target, read_only: m.readOnly ?? true })),
    grace_period: wire.gracePeriodMilliseconds,
  };
}

/**
 * What a client asked for, as the core validates it. An enum number that this core does not know becomes a text that
 * validation refuses, instead of some default.
 */
export function specInputFromWire(wire: CreateRequest): SandboxSpecInput {
  return defined({
    image: wire.image,
    command: wire.command,
    args: wire.args,
    envs: wire.envs,
    working_dir: wire.workingDir,
    user: wire.user,
    tty: wire.tty,
    stdin: wire.stdin,
    pool_ref: wire.poolRef === '' ? undefined : wire.poolRef,
    exposed_ports: wire.exposedPorts,
    consistency_mode: consistencyFromWire(wire.consistencyMode),
    failure_policy: policyFromWire(wire.failurePolicy),
    recovery_timeout_seconds: wire.recoveryTimeoutSeconds,
    expire_time: wire.expireTimeSeconds,
    ttl: durationFromWire(wire.ttlMilliseconds),
    labels: wire.labels,
    resources: wire.resources === undefined ? undefined : defined({ ...wire.resources }),
    network: wire.network === '' ? undefined : (wire.network as 'none' | 'host'),
    mounts: wire.mounts.map(mountFromWire),
    grace_period: durationFromWire(wire.gracePeriodMilliseconds),
  });
}

function consistencyFromWire(mode: number): 'fast' | 'strong' {
  if (mode === ConsistencyMode.FAST) return 'fast';
  return mode === ConsistencyMode.STRONG ? 'strong' : (`number ${mode}` as 'fast');
}

export function policyFromWire(policy: number | undefined): string | undefined {
  if (policy === undefined) return undefined;
  if (policy === FailurePolicy.MANUAL) return 'Manual';
  return policy === FailurePolicy.AUTO_RECREATE ? 'AutoRecreate' : `number ${policy}`;
}
