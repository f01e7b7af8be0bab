import type { Logger } from 'pino';
import type { LeaseRequest } from '../../api/pool-api.ts';
import type { CallOptions, ExecRequest } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { Expiry } from '../../model/expiry.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { newLeaseId, nothingNamed } from '../../model/ids.ts';
import type { Lease } from '../../model/pool/pool.ts';
import type { ProcessSession } from '../../model/process.ts';
import type { ReleaseOptions } from '../../pool/pool.ts';
import type { LeaseRecord } from '../ledger/records.ts';
import type { HeldInstance, Holder } from '../pools/held-instance.ts';
import type { NamedPool } from '../pools/named-pool.ts';
import type { Pools } from '../pools/pools.ts';
import type { ShapeGround } from '../shape-of.ts';
import { prepareClaim } from './claim-request.ts';
import { LeaseHold } from './lease-hold.ts';

export interface LeasesOptions extends ShapeGround {
  pools: Pools;
  clock: Clock;
  log: Logger;
}

/** Instances that somebody keeps for further commands; see PoolApi. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #holds = new Map<string, LeaseHold>();
  /** When the leases in which nothing runs are reclaimed. */
  readonly #expiry: Expiry;
  readonly #making = new Set<{ abort: AbortController; settled: Promise<void> }>();
  #closing = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#expiry = new Expiry(options.clock, (id) => this.#reclaim(id));
  }

  async lease(request: LeaseRequest, { signal }: CallOptions = {}): Promise<Lease> {
    if (this.#closing) throw stopping();
    const abort = new AbortController();
    const made = this.#make(request, signal ? AbortSignal.any([signal, abort.signal]) : abort.signal);
    const making = { abort, settled: made.then(noop, noop) };
    this.#making.add(making);
    try {
      return await made;
    } finally {
      this.#making.delete(making);
    }
  }

  async #make(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const prepared = await prepareClaim(request, this.#options, signal);
    const { pool, image, surroundings, ttl, label } = prepared;
    const id = newLeaseId();
    const held = await prepared.claim(this.holderOf(id));
    failpoint('lease.claimed');
    const record: LeaseRecord = {
      id,
      image: image.reference,
      warm: held.hit,
      createdAt: this.#options.clock.now(),
      ttl,
      ...(label === undefined ? {} : { label }),
      surroundings,
    };
    const hold = this.#keep(record, pool, held);
    try {
      await held.use({ by: 'lease', lease: record });
      failpoint('lease.recorded');
      throwIfAborted(signal);
      if (hold.releasing) throw held.lost ?? endedEarly(pool.name);
      this.#watchIdle(hold);
    } catch (error) {
      this.#settle(this.#release(hold, { destroy: true }), id);
      throw error;
    }
    return hold.view();
  }

  /** Oldest first. */
  list(): Lease[] {
    return [...this.#holds.values()]
      .filter((hold) => !hold.releasing)
      .map((hold) => hold.view())
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  async exec(id: string, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    return this.#require(id).exec(request, signal);
  }

  async kill(id: string): Promise<void> {
    await this.#require(id).kill();
  }

  async release(id: string, { destroy }: ReleaseOptions = {}): Promise<void> {
    await this.#release(this.#require(id), { destroy });
  }

  /** Who is told to people as the holder of its instance. */
  holderOf(id: string): Holder {
    return {
      name: `lease ${id}`,
      end: async () => {
        const hold = this.#holds.get(id);
        if (hold !== undefined) await this.#release(hold);
      },
      lost: (cause) => this.#lost(id, cause),
    };
  }

  /** Takes up a lease of an earlier core; its commands run on. It counts as idle from now on when nothing runs. */
  async takeUp(record: LeaseRecord, pool: NamedPool, held: HeldInstance): Promise<void> {
    const hold = this.#keep(record, pool, held);
    this.#watchIdle(hold);
    await hold.execs.letRun();
  }

  /** Lets go of every lease and leaves it to the next core; those that nobody has yet are ended. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#expiry.close();
    for (const { abort } of this.#making) abort.abort(stopping());
    // Let go of while it is put on record, it would be given back when nothing is left to destroy it with.
    await Promise.all([...this.#making].map(({ settled }) => settled));
    await Promise.all(
      [...this.#holds.values()].map((hold) => (hold.releasing ? hold.release().catch(noop) : hold.detach())),
    );
  }

  #keep(record: LeaseRecord, pool: NamedPool, held: HeldInstance): LeaseHold {
    const changed = (hold: LeaseHold): void => this.#watchIdle(hold);
    const hold = new LeaseHold({ record, pool: pool.name, held, changed });
    this.#holds.set(record.id, hold);
    return hold;
  }

  /** A command that runs keeps its lease, however long it runs. */
  #watchIdle(hold: LeaseHold): void {
    const { id, ttl } = hold.record;
    if (this.#closing) return;
    const idle = hold.execs.running === 0 && !hold.releasing && ttl > 0;
    this.#expiry.set(id, idle ? { monotonic: this.#options.clock.monotonic() + ttl } : undefined);
  }

  #reclaim(id: string): void {
    const hold = this.#holds.get(id);
    if (hold === undefined || hold.execs.running > 0) return;
    this.#options.log.info({ lease: id }, 'a lease was idle for too long: it is reclaimed');
    this.#settle(this.#release(hold), id);
  }

  #lost(id: string, cause: Error): void {
    const hold = this.#holds.get(id);
    if (hold === undefined || this.#closing) return;
    this.#options.log.warn({ err: cause, lease: id }, 'the instance of a lease is lost');
    this.#settle(this.#release(hold), id);
  }

  /** Gone for its owner at once, and held here until its instance is. */
  async #release(hold: LeaseHold, options: ReleaseOptions = {}): Promise<void> {
    const { id } = hold.record;
    const released = hold.release(options);
    this.#expiry.set(id, undefined);
    await released.finally(() => this.#holds.delete(id));
  }

  /** Nobody waits for it. */
  #settle(gone: Promise<void>, lease: string): void {
    gone.catch((error) =>
      this.#options.log.error({ err: error, lease }, 'cannot give a leased instance back'),
    );
  }

  #require(id: string): LeaseHold {
    const hold = this.#holds.get(id);
    if (hold !== undefined && !hold.releasing) return hold;
    if (id === '') throw nothingNamed('lease');
    throw new FsbError('not_found', `lease ${id} does not exist`, {
      hint: 'It was released, reclaimed because nothing ran in it, or lost its instance; take another one.',
    });
  }
}

const stopping = (): FsbError => new FsbError('unavailable', 'the core is stopping');

const endedEarly = (pool: string): FsbError =>
  new FsbError('unavailable', `pool ${pool} was emptied while the lease was made`);
