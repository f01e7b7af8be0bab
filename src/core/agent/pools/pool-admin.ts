import type { DrainOptions, PoolChange } from '../../api/pool-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { endsWithin } from '../../model/async/ends-within.ts';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { DEFAULT_POOL } from '../../model/ids.ts';
import type { PoolDetails, PoolInfo, PoolShapeStatus } from '../../model/pool/pool.ts';
import { mergePolicy, type PoolPolicyInput } from '../../model/pool/pool-policy.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { RecordTable } from '../../store/store.ts';
import type { NamedPool } from './named-pool.ts';
import { type PolicyGround, type PoolRecord, policyOf } from './pool-record.ts';
import type { Pools } from './pools.ts';

/** Milliseconds that stop and drain wait when the caller does not say. */
const PATIENCE = 60_000;
/** Milliseconds for what is ended by force to be gone. */
const FORCE_LIMIT = 30_000;

export interface PoolAdminOptions extends PolicyGround {
  pools: Pools;
  table: RecordTable<PoolRecord>;
  clock: Clock;
}

/** Pools as people see and change them; see PoolApi. One change of a pool at a time, on record before it takes effect. */
export class PoolAdmin {
  readonly #options: PoolAdminOptions;
  readonly #pools: Pools;
  readonly #turns = new Turns();

  constructor(options: PoolAdminOptions) {
    this.#options = options;
    this.#pools = options.pools;
  }

  async status(name?: string): Promise<PoolShapeStatus[]> {
    const pools = name === undefined ? this.#pools.all() : [this.#pools.require(name)];
    return pools.flatMap((pool) => pool.status());
  }

  async list(): Promise<PoolInfo[]> {
    return this.#pools.all().map((pool) => pool.info());
  }

  async get(name: string): Promise<PoolDetails> {
    return this.#pools.require(name).details();
  }

  async create(said: PoolPolicyInput, { signal }: CallOptions = {}): Promise<PoolInfo> {
    const policy = policyOf(said, this.#options);
    const create = async (): Promise<PoolInfo> => {
      if (this.#pools.find(policy.name) !== undefined)
        throw new FsbError('already_exists', `pool ${policy.name} exists already`, {
          hint: `Change it with: fsb-ctl pool update ${policy.name}`,
        });
      await this.#pools.requireImages(policy.warm);
      const record: PoolRecord = { said, state: 'active', createdAt: this.#options.clock.now() };
      return (await this.#pools.add(record, policy)).info();
    };
    return this.#turns.take(policy.name, create, signal);
  }

  async update(name: string, change: PoolChange, { signal }: CallOptions = {}): Promise<PoolInfo> {
    return this.#turns.take(name, () => this.#update(this.#pools.require(name), change), signal);
  }

  async delete(
    name: string,
    { force = false, signal }: CallOptions & { force?: boolean } = {},
  ): Promise<void> {
    return this.#turns.take(name, () => this.#delete(this.#pools.require(name), force), signal);
  }

  async stop(name: string, options: CallOptions & { timeout?: number } = {}): Promise<PoolInfo> {
    const { timeout = PATIENCE, signal } = options;
    const { pool, ended } = await this.#turns.take(
      name,
      async () => {
        const pool = this.#pools.require(name);
        if (pool.record.state === 'active') await pool.save({ state: 'stopped' });
        failpoint('pool.stopped');
        return { pool, ended: pool.pool.stop() };
      },
      signal,
    );
    if (await endsWithin(this.#options.clock, timeout, ended, signal)) return pool.info();
    throw new FsbError('timeout', `pool ${name} has idle instances after ${formatDuration(timeout)}`, {
      hint: `They go on ending: see them with: fsb-ctl pool get ${name}`,
    });
  }

  async drain(name: string, options: DrainOptions = {}): Promise<PoolInfo> {
    const { timeout = PATIENCE, force = false, signal } = options;
    const over = new AbortController();
    const { pool, ended } = await this.#turns.take(
      name,
      async () => {
        const pool = this.#pools.require(name);
        await pool.save({ state: 'drained' });
        failpoint('pool.drained');
        return { pool, ended: pool.pool.drain(over.signal) };
      },
      signal,
    );
    try {
      if (await endsWithin(this.#options.clock, timeout, ended, signal)) return pool.info();
      if (!force) throw stillClaimed(pool, timeout);
      await this.#emptied(pool, ended, force, signal);
      return pool.info();
    } finally {
      over.abort();
    }
  }

  /** All of it or nothing: what could be refused is looked at before anything is written. */
  async #update(pool: NamedPool, change: PoolChange): Promise<PoolInfo> {
    const { policy: said = {}, start = false, reset = false, pressure } = change;
    if (said.name !== undefined && said.name !== pool.name)
      throw new FsbError('invalid_argument', `pool ${pool.name} cannot be renamed to ${said.name}`, {
        hint: 'Create another pool, and delete this one.',
      });
    if (pressure !== undefined && !(pressure >= 0 && pressure <= 1))
      throw new FsbError('invalid_argument', `pressure ${pressure} is not from 0 to 1`);
    const merged = mergePolicy(pool.record.said, said);
    const isSaid = Object.values(said).some((value) => value !== undefined);
    const policy = isSaid ? policyOf(merged, this.#options) : undefined;
    await this.#pools.requireImages(said.warm ?? []);
    // Pressure and breakers are of the moment: a controller that presses all the time must not write all the time.
    if (isSaid || start) await pool.save({ said: merged, ...(start ? { state: 'active' } : {}) });
    failpoint('pool.saved');
    if (policy !== undefined) await pool.configure(policy);
    if (start) pool.pool.start();
    if (reset) pool.pool.resetBreakers();
    if (pressure !== undefined) pool.pool.press(pressure);
    return pool.info();
  }

  /** The record goes before the instances: what a core that is killed in between leaves belongs to no pool, and goes. */
  async #delete(pool: NamedPool, force: boolean): Promise<void> {
    const { name } = pool;
    if (name === DEFAULT_POOL)
      throw new FsbError(
        'conflict',
        `pool ${name} is built in and cannot be deleted: sandboxes use it by default`,
        {
          hint: 'To keep nothing warm: fsb-ctl pool stop',
        },
      );
    const { claimed, waiting } = pool.pool.totals;
    if (!force && claimed + waiting > 0)
      throw new FsbError('conflict', `pool ${name} is in use: ${claimed} claimed, ${waiting} waiting`, {
        hint: `See by whom with: fsb-ctl pool get ${name}; end them all with --force.`,
      });
    // At once: a claim that came while the record is removed would have to be ended.
    const ended = pool.pool.drain();
    try {
      await this.#options.table.remove(name);
      failpoint('pool.removed');
    } catch (error) {
      ended.catch(() => {});
      pool.recall();
      throw error;
    }
    try {
      await this.#emptied(pool, ended, force);
    } catch (error) {
      // It is still there, and listed: what the next core finds must be the same.
      await pool.save({ state: 'drained' });
      throw error;
    }
    await this.#pools.remove(pool);
  }

  /** @throws timeout when not even force helps */
  async #emptied(pool: NamedPool, ended: Promise<void>, force: boolean, signal?: AbortSignal): Promise<void> {
    // How it ends is told by the pool: whoever cannot be ended stays claimed.
    if (force) void pool.holders.endAll();
    if (!(await endsWithin(this.#options.clock, FORCE_LIMIT, ended, signal)))
      throw stillClaimed(pool, FORCE_LIMIT);
  }
}

function stillClaimed({ name, pool }: NamedPool, waited: number): FsbError {
  const { claimed, stopping } = pool.totals;
  const left = `${claimed} claimed and ${stopping} stopping`;
  return new FsbError(
    'timeout',
    `pool ${name} is not empty after ${formatDuration(waited)}: ${left}; it takes no more claims`,
    { hint: `See by whom with: fsb-ctl pool get ${name}; end them all with --force.` },
  );
}
