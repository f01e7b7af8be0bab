import type { ExecRequest } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { newLeaseId, nothingNamed } from '../../../../src/core/model/ids.ts';
import type { Lease } from '../../../../src/core/model/pool/pool.ts';
import type { HostClaim, HostPool } from './host-pool.ts';
import { HostProcess } from './host-process.ts';
import { HostSession } from './host-session.ts';

/** Whoever has a claimed instance, and what runs "in" it. */
export class HostLease {
  readonly id = newLeaseId();
  readonly pool: HostPool;
  readonly #claim: HostClaim;
  readonly #ttl: number;
  readonly #expire: () => void;
  readonly #createdAt = Date.now() + 0.5;
  readonly #processes = new Set<HostProcess>();
  #reclaim: NodeJS.Timeout | undefined;
  #released: Promise<void> | undefined;

  readonly #label: string | undefined;

  /** @param expire called when nothing ran for `ttl` milliseconds; 0: never */
  constructor(
    pool: HostPool,
    claim: HostClaim,
    { ttl = 0, label }: { ttl?: number; label?: string } = {},
    expire: () => void = () => {},
  ) {
    this.#label = label;
    this.pool = pool;
    this.#claim = claim;
    this.#ttl = ttl;
    this.#expire = expire;
    claim.instance.holder = `lease ${this.id}`;
    this.#rest();
  }

  info(): Lease {
    const { instance, hit } = this.#claim;
    return {
      ...{ id: this.id, pool: this.pool.policy.name, image: instance.shape.image, instance: instance.id },
      ...{ warm: hit, createdAt: this.#createdAt, ttl: this.#ttl, running: this.#processes.size },
      ...(this.#label === undefined ? {} : { label: this.#label }),
    };
  }

  /** @throws command_not_found */
  start(request: ExecRequest): HostProcess {
    const process = new HostProcess(request);
    this.#processes.add(process);
    clearTimeout(this.#reclaim);
    void process.exited.then(() => {
      this.#processes.delete(process);
      if (this.#processes.size === 0) this.#rest();
    });
    return process;
  }

  /** Resolves when nothing runs any more. */
  async kill(): Promise<void> {
    const running = [...this.#processes];
    for (const process of running) process.signal(9);
    await Promise.all(running.map(({ exited }) => exited));
  }

  /** Idempotent. */
  release(destroy = false): Promise<void> {
    this.#released ??= this.kill().then(() => {
      clearTimeout(this.#reclaim);
      this.pool.giveBack(this.#claim.instance, destroy);
    });
    return this.#released;
  }

  #rest(): void {
    if (this.#ttl > 0 && this.#released === undefined)
      this.#reclaim = setTimeout(this.#expire, this.#ttl).unref();
  }
}

/** The one command of an instance that goes with it. */
export class RunSession extends HostSession {
  readonly #lease: HostLease;

  constructor(process: HostProcess, open: Set<HostSession>, lease: HostLease) {
    super(process, open);
    this.#lease = lease;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#lease.release();
  }
}

export const noLease = (id: string): FsbError =>
  id === ''
    ? nothingNamed('lease')
    : new FsbError('not_found', `there is no lease ${id}`, {
        hint: 'It was released, or its time was over. See `fsb-ctl pool status`.',
      });
