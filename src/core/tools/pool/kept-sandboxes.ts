import type { Logger } from 'pino';
import type { PoolApi } from '../../api/pool-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { DEFAULT_POOL } from '../../model/ids.ts';
import type { Lease, PoolPolicy } from '../../model/pool/pool.ts';
import { formatSize, parseSize } from '../../model/quantity.ts';
import { Notebook } from '../notebook/notebook.ts';
import { leasedSandbox } from '../run/tool-sandbox.ts';
import type { ToolContext } from '../tool/define-tool.ts';
import type { SandboxConfig } from './sandbox-config.ts';
import { TOOL_POOL } from './tool-pool.ts';
import { unless } from './unless.ts';

/** Of the leases that are made here; those of others, like `pool run --lease`, have none or another. */
const LABEL = 'pool-server';
/** How many calls may wait for one sandbox. */
const LONGEST_LINE = 32;

export interface KeptSandboxesOptions {
  pools: PoolApi;
  clock: Clock;
  log: Logger;
  workingDirectory: string;
}

/** Sandboxes that somebody keeps for several tools: every lease but those that the tool pool lends for one tool. */
export class KeptSandboxes {
  readonly #options: KeptSandboxesOptions;
  readonly #turns = new Turns();
  /** Of this core: the kernel of an earlier one ended with its input. */
  readonly #notebooks = new Map<string, Notebook>();

  constructor(options: KeptSandboxesOptions) {
    this.#options = options;
  }

  /** @throws not_found (image), invalid_argument, no_capacity, run_failed */
  async create(config: SandboxConfig, options: CallOptions): Promise<Lease> {
    const { image, resources, network, mounts, ttl } = config;
    const { pools } = this.#options;
    const { policy } = await pools.get(DEFAULT_POOL, options);
    assertFits(resources.memory, policy);
    const lease = await pools.lease(
      {
        pool: DEFAULT_POOL,
        label: LABEL,
        ...(image === undefined ? {} : { image }),
        ...(Object.keys(resources).length === 0 ? {} : { resources }),
        ...(network === 'none' ? {} : { network }),
        ...(mounts.length === 0 ? {} : { mounts }),
        ...(ttl === undefined ? {} : { ttl }),
      },
      options,
    );
    // Nobody will ever hear of it.
    if (options.signal?.aborted) await pools.release(lease.id);
    throwIfAborted(options.signal);
    return lease;
  }

  /**
   * Ends the tools that a killed core left running: nobody waits for them, and no turn holds the next one back. A core
   * that cannot do it still serves everything else.
   */
  async endOrphans(): Promise<void> {
    const { pools, log } = this.#options;
    try {
      const left = (await pools.leases()).filter(({ label, running }) => label === LABEL && running > 0);
      await Promise.all(left.map(({ id }) => unless('not_found', pools.kill(id))));
    } catch (error) {
      log.warn({ err: error }, 'tools that an earlier core left running cannot be ended');
    }
  }

  async list(options?: CallOptions): Promise<Lease[]> {
    const leases = await this.#options.pools.leases(options);
    const kept = leases.filter(({ pool }) => pool !== TOOL_POOL);
    this.#forgetAllBut(new Set(kept.map(({ id }) => id)));
    return kept;
  }

  /** Undefined: there is none. */
  async find(id: string, options?: CallOptions): Promise<Lease | undefined> {
    return (await this.list(options)).find((lease) => lease.id === id);
  }

  /**
   * Lends the sandbox to one piece of work after the other, first come first served: a timeout kills everything that
   * runs in it, and must not hit the tool of another call.
   * @throws not_found, conflict (too many wait), cancelled
   */
  async use<T>(lease: Lease, signal: AbortSignal, work: (context: ToolContext) => Promise<T>): Promise<T> {
    const { pools, clock, workingDirectory } = this.#options;
    if (this.#turns.waiting(lease.id) >= LONGEST_LINE)
      throw new FsbError('conflict', `too many calls wait for sandbox ${lease.id}: ${LONGEST_LINE}`, {
        hint: 'One tool runs at a time in a sandbox; create more of them.',
      });
    const turn = (): Promise<T> => {
      const sandbox = leasedSandbox(pools, lease.id, workingDirectory);
      return work({ sandbox, notebook: this.#notebook(lease), clock, signal });
    };
    return this.#turns.take(lease.id, turn, signal);
  }

  /** Ends it and all that runs in it. @throws not_found */
  release(id: string, options?: CallOptions): Promise<void> {
    return this.#options.pools.release(id, options);
  }

  /** Ends the kernels: the next core could not speak to them. The sandboxes stay. Idempotent. */
  async close(): Promise<void> {
    const notebooks = [...this.#notebooks.values()];
    this.#notebooks.clear();
    await Promise.all(notebooks.map((notebook) => notebook.close()));
  }

  #notebook({ id, ttl }: Lease): Notebook {
    const known = this.#notebooks.get(id);
    if (known !== undefined) return known;
    const notebook = new Notebook({ clock: this.#options.clock, idle: ttl });
    this.#notebooks.set(id, notebook);
    return notebook;
  }

  /** Sandboxes also end without us: released by others, or reclaimed. */
  #forgetAllBut(ids: ReadonlySet<string>): void {
    for (const [id, notebook] of this.#notebooks) {
      if (ids.has(id)) continue;
      this.#notebooks.delete(id);
      void notebook.close();
    }
  }
}

/** That its memory can ever be had: no wait would help. @throws invalid_argument */
function assertFits(memory: string | number | undefined, { name, memoryBudget }: PoolPolicy): void {
  const bytes = typeof memory === 'string' ? parseSize(memory) : memory;
  if (bytes === undefined || bytes <= memoryBudget) return;
  throw new FsbError(
    'invalid_argument',
    `memory_limit is ${formatSize(bytes)}, and all sandboxes together have ${formatSize(memoryBudget)}`,
    { hint: `Ask for less memory, or give the pool more: fsb-ctl pool update ${name} --memory-budget SIZE` },
  );
}
