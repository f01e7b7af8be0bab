import type { CoreEvent, EventQuery } from '../model/event.ts';
import type { Lease, OnEmpty, PoolDetails, PoolInfo, PoolShapeStatus } from '../model/pool/pool.ts';
import type { PoolPolicyInput } from '../model/pool/pool-policy.ts';
import type { ProcessSession } from '../model/process.ts';
import type { SandboxSpecInput } from '../model/sandbox/spec.ts';
import type { CallOptions, ExecRequest } from './sandbox-api.ts';

export interface PoolChange {
  /** Keys that change, nested ones one by one; `warm` and `warmup` as a whole. What is left out stays. */
  policy?: Partial<PoolPolicyInput>;
  /** Makes a stopped or drained pool active again. */
  start?: boolean;
  /** Closes every circuit breaker, so that boots are tried again at once. */
  reset?: boolean;
  /** How hard the surroundings press, 0..1, as an external scaler sees it; the autoscaler blends it in while it is fresh. */
  pressure?: number;
}

/** The boot-time part of what a lease runs in; what is left out is the pool's own. */
export interface LeaseRequest extends Partial<Pick<SandboxSpecInput, 'resources' | 'network' | 'mounts'>> {
  pool: string;
  /** Default: the pool's first warm image, else `host`. */
  image?: string;
  /** As in CreateRequest. */
  imageDigest?: string;
  onEmpty?: OnEmpty;
  /** Milliseconds to wait for an instance; default: queue.timeout of the pool. */
  wait?: number;
  /** Milliseconds; default: lease_ttl of the pool. 0: never reclaimed. */
  ttl?: number;
  /** A word of whoever takes it, to know it again, also after a restart of the core. */
  label?: string;
}

export interface PoolRunRequest extends Omit<LeaseRequest, 'ttl' | 'label'> {
  /**
   * Environment and working directory start from the image's own; without a command its entrypoint and cmd run.
   * `detach` is not for here.
   */
  exec: ExecRequest;
}

export interface ReleaseOptions extends CallOptions {
  /** Destroy the instance, whatever the pool does otherwise with what is given back. */
  destroy?: boolean;
}

export interface DrainOptions extends CallOptions {
  /** Milliseconds to wait for what is claimed; default one minute. */
  timeout?: number;
  /** At the deadline, end what is still claimed: sandboxes and leases. */
  force?: boolean;
}

/** The warm pools of a node, and one-shot runs and leases out of them. */
export interface PoolApi {
  /** A row for each shape of each pool, or of one. @throws not_found */
  status(pool?: string, options?: CallOptions): Promise<PoolShapeStatus[]>;
  /** By name. */
  list(options?: CallOptions): Promise<PoolInfo[]>;
  /** @throws not_found, with the name that was probably meant */
  get(name: string, options?: CallOptions): Promise<PoolDetails>;
  /** Active at once; warming goes on after the answer. @throws already_exists, invalid_argument, not_found (image) */
  create(policy: PoolPolicyInput, options?: CallOptions): Promise<PoolInfo>;
  /** All of it or nothing. @throws not_found, invalid_argument */
  update(name: string, change: PoolChange, options?: CallOptions): Promise<PoolInfo>;
  /** @throws not_found, conflict (the default pool; instances are claimed and no `force`) */
  delete(name: string, options?: CallOptions & { force?: boolean }): Promise<void>;
  /** Resolves when nothing idle is left; `timeout` in milliseconds, default one minute. Idempotent. @throws not_found, timeout */
  stop(name: string, options?: CallOptions & { timeout?: number }): Promise<PoolInfo>;
  /** Refuses claims from now on; resolves when no instance is left. Idempotent. @throws not_found, timeout */
  drain(name: string, options?: DrainOptions): Promise<PoolInfo>;

  /** Claims, runs one command, and gives the instance back when the session is closed or the caller is gone. @throws no_capacity, ... */
  run(request: PoolRunRequest, options?: CallOptions): Promise<ProcessSession>;
  /** @throws not_found (pool), image_not_found (also of `imageDigest`), no_capacity, run_failed */
  lease(request: LeaseRequest, options?: CallOptions): Promise<Lease>;
  leases(options?: CallOptions): Promise<Lease[]>;
  /** @throws not_found (released, reclaimed, never was), command_not_found, not_executable */
  exec(lease: string, request: ExecRequest, options?: CallOptions): Promise<ProcessSession>;
  /** SIGKILL to everything that runs in it; the lease stays. @throws not_found */
  kill(lease: string, options?: CallOptions): Promise<void>;
  /** Ends what runs in it; resolves when the instance is destroyed, or idle again. @throws not_found */
  release(lease: string, options?: ReleaseOptions): Promise<void>;
}

/**
 * In order, without a gap, until the caller leaves. A reader who falls too far behind is told so by an error.
 * @throws outdated when the event to begin after is no longer remembered, or of an earlier core
 */
export type EventStream = (query: EventQuery, options?: CallOptions) => AsyncIterable<CoreEvent>;
