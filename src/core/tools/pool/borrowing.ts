import type { Logger } from 'pino';
import type { PoolApi } from '../../api/pool-api.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { Notebook } from '../notebook/notebook.ts';
import { leasedSandbox } from '../run/tool-sandbox.ts';
import type { ToolResult } from '../tool/tool-result.ts';
import { type PreparedTool, useTool } from '../tool/use-tool.ts';
import type { OpenCalls } from './open-calls.ts';
import { TOOL_POOL } from './tool-pool.ts';

/** Milliseconds after which the node takes back what a killed core had borrowed, if no later core does. */
const BORROWED_TTL = 60_000;

export interface BorrowingOptions {
  pools: PoolApi;
  calls: OpenCalls;
  clock: Clock;
  log: Logger;
  workingDirectory: string;
}

/** Borrows a sandbox of the tool pool for one tool, and gives it back or has it replaced. */
export class Borrowing {
  readonly #options: BorrowingOptions;

  constructor(options: BorrowingOptions) {
    this.#options = options;
  }

  /**
   * Waits in line for a sandbox, and runs the tool in it. It goes back to the pool when the tool ended by itself; after
   * a timeout, and when anything else went wrong, it is destroyed, and the pool boots another one. The result does not
   * wait for either.
   * @param wait milliseconds; undefined: the pool's queue.timeout
   * @throws no_capacity (none came free in time), run_failed, cancelled
   */
  async execute(tool: PreparedTool, wait: number | undefined, signal: AbortSignal): Promise<ToolResult> {
    const { pools, calls, clock, workingDirectory } = this.#options;
    const lease = await pools.lease(
      { pool: TOOL_POOL, onEmpty: 'wait', ttl: BORROWED_TTL, ...(wait === undefined ? {} : { wait }) },
      { signal },
    );
    const notebook = new Notebook({ clock, idle: 0 });
    const sandbox = leasedSandbox(pools, lease.id, workingDirectory);
    let sound = false;
    try {
      const result = await useTool(tool, { sandbox, notebook, clock, signal });
      sound = result.status !== 'timeout';
      return result;
    } finally {
      calls.keep(notebook.close().finally(() => this.#giveBack(lease.id, !sound)));
    }
  }

  /**
   * Ends what a killed core left in the middle of a tool: before the first call nothing of the pool can be borrowed.
   * A core that cannot tell still serves everything else; the node takes back what is borrowed in BORROWED_TTL.
   */
  async endOrphans(): Promise<void> {
    const { pools, log } = this.#options;
    const leases = await pools.leases().catch((error: unknown) => {
      log.warn({ err: error }, 'leases of the tool pool that an earlier core left cannot be looked for');
      return [];
    });
    const orphans = leases.filter(({ pool }) => pool === TOOL_POOL);
    await Promise.all(orphans.map(({ id }) => this.#giveBack(id, true)));
  }

  async #giveBack(lease: string, destroy: boolean): Promise<void> {
    const { pools, log } = this.#options;
    try {
      await pools.release(lease, { destroy });
    } catch (error) {
      // It died, or was reclaimed: either way the pool has noticed.
      if (FsbError.from(error).code === 'not_found') return;
      log.warn({ err: error, lease }, 'a borrowed sandbox could not be given back');
    }
  }
}
