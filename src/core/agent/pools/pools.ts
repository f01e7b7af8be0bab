import type { Logger } from 'pino';
import type { EventLog } from '../../events/event-log.ts';
import type { LocalImageStore } from '../../image/image-store.ts';
import type { Clock } from '../../model/clock.ts';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { DEFAULT_POOL, nothingNamed } from '../../model/ids.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import { mergePolicy, type PoolPolicyInput } from '../../model/pool/pool-policy.ts';
import { noLongerWarm } from '../../model/pool/warmth.ts';
import type { Pool, PooledInstance } from '../../pool/pool.ts';
import type { RecordTable } from '../../store/store.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { NamedPool } from './named-pool.ts';
import { type PolicyGround, type PoolRecord, policyOf, storedPolicy } from './pool-record.ts';

export interface PoolsOptions extends PolicyGround {
  table: RecordTable<PoolRecord>;
  /** Makes a pool that boots nothing yet. */
  makePool: (policy: PoolPolicy) => Pool;
  images: Pick<LocalImageStore, 'resolve' | 'onNamesChanged'>;
  ledger: Pick<Ledger, 'used' | 'unused'>;
  files: Pick<KeptFiles, 'keep' | 'drop'>;
  events: Pick<EventLog, 'append'>;
  clock: Clock;
  log: Logger;
}

/** The pools of this node by name; `default-pool` is always among them. */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #byName = new Map<string, NamedPool>();

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /**
   * Brings back what is on record. `said` is what this core was started with: a change of the default pool, which a later
   * core keeps. Nothing is booted before start().
   * @returns what an earlier core was told to keep warm in that pool and this one is not: `alpine:3.20=2`
   * @throws invalid_argument, not_found (image): of what was said now, never of what is on record
   */
  async open(said: Partial<PoolPolicyInput>): Promise<string[]> {
    const { table } = this.#options;
    const unwarmed = await this.#recordDefaultPool(said);
    for (const [, record] of [...table.entries()]) {
      const { policy, problem } = storedPolicy(record.said, this.#options);
      if (problem !== undefined)
        this.#options.log.error({ pool: policy.name, problem }, 'the stored policy of a pool is not used');
      this.#add(record, policy, problem).rest();
    }
    return unwarmed;
  }

  /** Every pool begins to warm, unless told otherwise; to be called when what an earlier core left is adopted. */
  async start(warm = true): Promise<void> {
    await Promise.all(this.all().map((pool) => pool.start(warm)));
  }

  /** By name. */
  all(): NamedPool[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): NamedPool | undefined {
    return this.#byName.get(name);
  }

  /** @throws not_found, with the name that was probably meant; invalid_argument when none was named */
  require(name: string): NamedPool {
    const pool = this.#byName.get(name);
    if (pool !== undefined) return pool;
    if (name === '') throw nothingNamed('pool');
    const near = didYouMean(name, this.#byName.keys());
    throw new FsbError('not_found', `pool ${name} does not exist`, {
      hint: near ? `Did you mean ${near}?` : 'See what there is with: fsb-ctl pool list',
    });
  }

  /** Makes a pool of a record that is not there yet, and puts it on record first. */
  async add(record: PoolRecord, policy: PoolPolicy): Promise<NamedPool> {
    await this.#options.table.put(policy.name, record);
    const pool = this.#add(record, policy);
    await pool.start();
    return pool;
  }

  /** Forgets a pool whose instances are gone. */
  async remove(pool: NamedPool): Promise<void> {
    await pool.close();
    this.#byName.delete(pool.name);
  }

  /** @throws not_found for the first image that is not here */
  async requireImages(warm: readonly { image: string }[]): Promise<void> {
    for (const { image } of warm) await this.#options.images.resolve(image);
  }

  /** True while some pool has the instance. */
  holds(instanceId: string): boolean {
    return this.all().some(({ pool }) => pool.holds(instanceId));
  }

  /** Ids of instances that some pool could not destroy yet. */
  stuck(): string[] {
    return this.all().flatMap(({ pool }) => pool.stuck());
  }

  /** Some pool has the instance, and nobody has it of that pool. */
  isIdle(instanceId: string): boolean {
    const idle = ['idle', 'paused'];
    const has = ({ instance: { id, state } }: PooledInstance): boolean =>
      id === instanceId && idle.includes(state);
    return this.all().some(({ pool }) => pool.instances().some(has));
  }

  /** Who has an instance of an image, as `Holder.name` says it, in order. */
  usersOf(digest: string): string[] {
    return this.all()
      .flatMap(({ holders }) => holders.usersOf(digest))
      .sort();
  }

  /** Names of the pools that are told to keep an image warm, in order. */
  keepersOf(digest: string): string[] {
    return this.all()
      .filter(({ warm }) => warm.keeps(digest))
      .map(({ name }) => name);
  }

  /** Every pool lets go of an image. @throws conflict when one keeps it warm; none has let go of it then */
  async dropIdle(digest: string): Promise<void> {
    const pools = this.all();
    const keeper = pools.find(({ warm }) => warm.keeps(digest));
    await keeper?.pool.dropIdle(digest);
    await Promise.all(pools.map(({ pool }) => pool.dropIdle(digest)));
  }

  /** Idle instances are destroyed; claimed ones must have been let go of. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.all().map((pool) => pool.close()));
  }

  #add(record: PoolRecord, policy: PoolPolicy, problem?: string): NamedPool {
    const { makePool, events } = this.#options;
    const pool = makePool(policy);
    pool.onEvent((event) => events.append({ pool: policy.name, event }));
    const named = new NamedPool({ ...this.#options, record, problem, pool });
    this.#byName.set(policy.name, named);
    return named;
  }

  /** Images that are asked for now are wanted warm now, whatever state the pool was left in. */
  async #recordDefaultPool(said: Partial<PoolPolicyInput>): Promise<string[]> {
    const { table, clock } = this.#options;
    const stored = table.get(DEFAULT_POOL);
    const isSaid = Object.values(said).some((value) => value !== undefined);
    if (stored !== undefined && !isSaid) return [];
    const before: PoolRecord = stored ?? {
      said: { name: DEFAULT_POOL },
      state: 'active',
      createdAt: clock.now(),
    };
    const merged = mergePolicy(before.said, { ...said, name: DEFAULT_POOL });
    policyOf(merged, this.#options);
    await this.requireImages(said.warm ?? []);
    const state = said.warm === undefined ? before.state : 'active';
    await table.put(DEFAULT_POOL, { ...before, said: merged, state });
    return noLongerWarm(before.said, merged);
  }
}
