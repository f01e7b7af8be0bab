import type {
  DrainOptions,
  LeaseRequest,
  PoolApi,
  PoolChange,
  PoolRunRequest,
  ReleaseOptions,
} from '../../../../src/core/api/pool-api.ts';
import type { CallOptions, ExecRequest } from '../../../../src/core/api/sandbox-api.ts';
import { EventLog } from '../../../../src/core/events/event-log.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { didYouMean } from '../../../../src/core/model/failure/did-you-mean.ts';
import { FsbError, throwIfAborted } from '../../../../src/core/model/failure/errors.ts';
import { DEFAULT_POOL, nothingNamed } from '../../../../src/core/model/ids.ts';
import { readLeaseRequest } from '../../../../src/core/model/pool/lease-request.ts';
import type {
  Lease,
  PoolDetails,
  PoolInfo,
  PoolPolicy,
  PoolShapeStatus,
} from '../../../../src/core/model/pool/pool.ts';
import {
  defaultPolicyInput,
  mergePolicy,
  type NodeSize,
  type PoolPolicyInput,
  parsePolicy,
} from '../../../../src/core/model/pool/pool-policy.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import { HostLease, noLease, RunSession } from './host-lease.ts';
import { HostPool } from './host-pool.ts';
import { HostSession } from './host-session.ts';

const NODE: NodeSize = { cores: 2, pids: 32_768, memory: 8 * 1024 ** 3 };

/** The whole PoolApi over plain processes of this machine: real processes and bytes, no isolation, nothing durable. */
export class HostPools implements PoolApi {
  readonly events = new EventLog(systemClock);
  readonly openSessions: Set<HostSession>;
  readonly #images: readonly string[];
  readonly #pools = new Map<string, HostPool>();
  readonly #leases = new Map<string, HostLease>();
  /** Leases, and what one-shot runs have. */
  readonly #holders = new Set<HostLease>();

  constructor(images: readonly string[], openSessions: Set<HostSession>) {
    this.#images = images;
    this.openSessions = openSessions;
    this.#open(defaultPolicyInput(NODE));
  }

  async status(pool?: string): Promise<PoolShapeStatus[]> {
    const pools = pool === undefined ? this.#byName() : [this.#find(pool)];
    return pools.flatMap((each) => each.rows());
  }

  async list(): Promise<PoolInfo[]> {
    return this.#byName().map((pool) => pool.info());
  }

  async get(name: string): Promise<PoolDetails> {
    const pool = this.#find(name);
    return { ...pool.info(), shapes: pool.rows(), instances: pool.instances() };
  }

  async create(said: PoolPolicyInput): Promise<PoolInfo> {
    const policy = this.#checked(said);
    if (this.#pools.has(policy.name))
      throw new FsbError('already_exists', `cannot create pool ${policy.name}: the name is taken`, {
        hint: 'Choose another name, or change it with `fsb-ctl pool update`.',
      });
    return this.#open(said).info();
  }

  async update(name: string, { policy: change = {}, start }: PoolChange): Promise<PoolInfo> {
    const pool = this.#find(name);
    const said = mergePolicy(pool.said, change);
    const policy = this.#checked(said);
    if (policy.name !== name)
      throw new FsbError('invalid_argument', `pool ${name} cannot be renamed to ${policy.name}`, {
        hint: 'Create a pool of that name.',
      });
    Object.assign(pool, { said, policy, state: start ? 'active' : pool.state });
    pool.changed();
    return pool.info();
  }

  async delete(name: string, { force }: { force?: boolean } = {}): Promise<void> {
    const pool = this.#find(name);
    if (name === DEFAULT_POOL)
      throw new FsbError('conflict', `the pool ${name} cannot be deleted`, { hint: 'Stop it instead.' });
    if (pool.claimed.length > 0 && !force)
      throw new FsbError('conflict', `cannot delete pool ${name}: instances of it are in use`, {
        hint: 'Release them first, or use --force.',
      });
    await this.#endHolders(pool);
    await pool.drain();
    this.#pools.delete(name);
  }

  async stop(name: string): Promise<PoolInfo> {
    const pool = this.#find(name);
    pool.stop();
    return pool.info();
  }

  async drain(name: string, { timeout, force, signal }: DrainOptions = {}): Promise<PoolInfo> {
    const pool = this.#find(name);
    const drained = pool.drain();
    const inTime = await Promise.race([
      drained.then(() => true),
      ...(timeout === undefined ? [] : [after(timeout).then(() => false)]),
      aborted(signal),
    ]);
    if (!inTime && !force)
      throw new FsbError('timeout', `pool ${name} still has claimed instances after ${timeout} ms`, {
        hint: 'Use --force to end them.',
      });
    await this.#endHolders(pool);
    await drained;
    return pool.info();
  }

  async run({ exec, ...request }: PoolRunRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    const holder = await this.#claim({ ...request, ttl: 0 }, signal);
    try {
      return new RunSession(
        holder.start(exec.argv.length > 0 ? exec : { ...exec, argv: ['sh'] }),
        this.openSessions,
        holder,
      );
    } catch (error) {
      await this.#release(holder);
      throw error;
    }
  }

  async lease(request: LeaseRequest, { signal }: CallOptions = {}): Promise<Lease> {
    const lease = await this.#claim(request, signal);
    this.#leases.set(lease.id, lease);
    return lease.info();
  }

  async leases(): Promise<Lease[]> {
    return [...this.#leases.values()].map((lease) => lease.info());
  }

  async exec(id: string, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    const lease = this.#lease(id);
    throwIfAborted(signal);
    return new HostSession(lease.start(request), this.openSessions);
  }

  async kill(id: string): Promise<void> {
    await this.#lease(id).kill();
  }

  async release(id: string, options?: ReleaseOptions): Promise<void> {
    await this.#release(this.#lease(id), options);
  }

  /** Ends everything that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#holders].map((holder) => this.#release(holder)));
  }

  async #claim(request: LeaseRequest, signal?: AbortSignal): Promise<HostLease> {
    throwIfAborted(signal);
    const terms = readLeaseRequest(request);
    const pool = this.#find(terms.pool);
    this.#assertImage(pool.imageOf(terms), `pool ${terms.pool} cannot claim`);
    const claim = await pool.claim(terms, signal);
    const { ttl = pool.policy.leaseTtl, label } = terms;
    const lease: HostLease = new HostLease(pool, claim, { ttl, label }, () => void this.#release(lease));
    this.#holders.add(lease);
    return lease;
  }

  async #release(lease: HostLease, { destroy }: ReleaseOptions = {}): Promise<void> {
    this.#leases.delete(lease.id);
    this.#holders.delete(lease);
    await lease.release(destroy);
  }

  async #endHolders(pool: HostPool): Promise<void> {
    const own = [...this.#holders].filter((holder) => holder.pool === pool);
    await Promise.all(own.map((holder) => this.#release(holder)));
  }

  #open(said: PoolPolicyInput): HostPool {
    const { name } = said;
    const pool = new HostPool(said, this.#checked(said), (event) =>
      this.events.append({ pool: name, event }),
    );
    this.#pools.set(name, pool);
    return pool;
  }

  #checked(said: PoolPolicyInput): PoolPolicy {
    const policy = parsePolicy(said, NODE);
    for (const { image } of policy.warm) this.#assertImage(image, `pool ${policy.name} cannot keep warm`);
    return policy;
  }

  #assertImage(image: string, who: string): void {
    if (this.#images.includes(image)) return;
    throw new FsbError('image_not_found', `${who} image ${image}: it is not here`, {
      hint: 'Import it with `fsb-ctl image import`.',
    });
  }

  #byName(): HostPool[] {
    return [...this.#pools.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pool]) => pool);
  }

  #find(name: string): HostPool {
    const found = this.#pools.get(name);
    if (found !== undefined) return found;
    if (name === '') throw nothingNamed('pool');
    const near = didYouMean(name, this.#pools.keys());
    throw new FsbError('not_found', `there is no pool ${name}`, {
      hint: near === undefined ? 'See `fsb-ctl pool list`.' : `Did you mean ${near}?`,
    });
  }

  #lease(id: string): HostLease {
    const found = this.#leases.get(id);
    if (found === undefined) throw noLease(id);
    return found;
  }
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** Rejects with the signal's reason; never resolves. */
function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(FsbError.from(signal?.reason));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
