import type { Logger } from 'pino';
import type { LocalImageStore } from '../../image/image-store.ts';
import type { Instance } from '../../instance/instance.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { PoolDetails, PoolInfo, PoolPolicy, PoolShapeStatus } from '../../model/pool/pool.ts';
import { traced } from '../../model/trace.ts';
import type { ClaimRequest, Pool } from '../../pool/pool.ts';
import type { RecordTable } from '../../store/store.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { InstanceUse } from '../ledger/records.ts';
import type { HeldInstance, Holder } from './held-instance.ts';
import { Holders } from './holders.ts';
import type { PoolRecord } from './pool-record.ts';
import { missingRows, poolDetails, poolInfo } from './pool-view.ts';
import { WarmImages } from './warm-images.ts';

export interface NamedPoolOptions {
  record: PoolRecord;
  /** Why the pool does not follow what is on record, if so. */
  problem?: string;
  pool: Pool;
  table: RecordTable<PoolRecord>;
  ledger: Pick<Ledger, 'used' | 'unused'>;
  files: Pick<KeptFiles, 'keep' | 'drop'>;
  images: Pick<LocalImageStore, 'resolve' | 'onNamesChanged'>;
  runtime: string;
  log: Logger;
}

/** One pool with everything around it: its record, its warm images, and who has its instances. */
export class NamedPool {
  readonly name: string;
  readonly pool: Pool;
  readonly warm: WarmImages;
  readonly holders: Holders;
  readonly #table: RecordTable<PoolRecord>;
  #record: PoolRecord;
  #problem: string | undefined;

  constructor({ record, problem, pool, table, ledger, files, images, runtime, log }: NamedPoolOptions) {
    this.name = record.said.name;
    this.pool = pool;
    this.#record = record;
    this.#problem = problem;
    this.#table = table;
    const poolLog = log.child({ pool: this.name });
    this.warm = new WarmImages({ runtime, pool, images, log: poolLog });
    this.holders = new Holders({ pool, ledger, files, log: poolLog });
  }

  get record(): PoolRecord {
    return this.#record;
  }

  /** Resolves when the change of the record would survive a crash; only then may it take effect. */
  async save(change: Partial<PoolRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    await this.#table.put(this.name, record);
    this.#record = record;
  }

  /** Follows a policy that is on record. */
  async configure(policy: PoolPolicy): Promise<void> {
    this.#problem = undefined;
    this.pool.configure(policy);
    await this.warm.refresh();
  }

  /** To be called before anything is adopted: what is on record as stopped or drained boots nothing beside it. */
  rest(): void {
    // Not drained yet: a drain of an empty pool has ended, although what is claimed in it is still to be adopted.
    if (this.#record.state !== 'active') this.pool.stop().catch(noop);
  }

  /**
   * Begins to warm, unless it is on record as stopped or drained; how that goes on is nobody's wait. The state comes
   * first: a pool that knew its warm images before would begin to boot them.
   * @param warm false: as if it were on record as stopped
   */
  async start(warm = true): Promise<void> {
    if (!warm) this.pool.stop().catch(noop);
    this.#followState();
    await this.warm.start();
  }

  /** Is again what it is on record, after a change that could not be written. */
  recall(): void {
    this.pool.start();
    this.#followState();
  }

  #followState(): void {
    const { state } = this.#record;
    if (state === 'stopped') this.pool.stop().catch(noop);
    if (state === 'drained') this.pool.drain().catch(noop);
  }

  /** @throws as Pool.claim; conflict when it is to be an instance again that could not be destroyed yet */
  async claim(request: ClaimRequest, holder: Holder): Promise<HeldInstance> {
    const { again } = request.shape;
    // The pool tries to destroy it until that succeeds, and would destroy the one with the same id.
    if (again !== undefined && this.pool.holds(again)) throw stillThereError(again);
    const claim = await traced('pool.claim', () => this.pool.claim(request), {
      attributes: { 'fsb.pool': this.name },
    });
    return this.holders.hold(claim, holder);
  }

  /** Takes in an idle instance of an earlier core. @param image see Pool.adopt() */
  adoptIdle(instance: Instance, image: string): void {
    this.holders.mayHaveBeenUsed(instance);
    this.pool.adopt(instance, image);
  }

  /**
   * Takes in an instance of an earlier core for the holder that is on record; undefined when it died meanwhile.
   * @param age milliseconds for which that one has had it
   */
  adopt(
    instance: Instance,
    image: string,
    holder: Holder,
    { use, age }: { use: InstanceUse; age: number },
  ): HeldInstance | undefined {
    const claim = this.pool.adopt(instance, image, age);
    return claim && this.holders.hold(claim, holder, use);
  }

  status(): PoolShapeStatus[] {
    const { policy } = this.pool;
    return [...this.pool.status(), ...missingRows(policy, this.warm.missing, this.#problem)];
  }

  info(): PoolInfo {
    return poolInfo(this.pool, this.#record);
  }

  details(): PoolDetails {
    const holderOf = (id: string): string | undefined => this.holders.nameOf(id);
    return poolDetails(this.info(), this.status(), this.pool.instances(), holderOf);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.warm.close();
    await this.pool.close();
  }
}

const stillThereError = (id: string): FsbError =>
  new FsbError('conflict', `instance ${id}, which has the files, could not be destroyed yet`, {
    hint: 'Try again in a minute. See what holds it with: fsb-ctl daemon logs',
  });
