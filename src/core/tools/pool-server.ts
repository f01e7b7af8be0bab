import type { Logger } from 'pino';
import type { CoreApi } from '../api/core-api.ts';
import type { Clock } from '../model/clock.ts';
import { type ErrorCode, FsbError } from '../model/failure/errors.ts';
import type { Lease, PoolDetails } from '../model/pool/pool.ts';
import { extractArchive } from './pool/archive.ts';
import { Borrowing } from './pool/borrowing.ts';
import { healthOf, type PoolServerHealth } from './pool/health.ts';
import { KeptSandboxes } from './pool/kept-sandboxes.ts';
import { OpenCalls } from './pool/open-calls.ts';
import { parseSandboxConfig } from './pool/sandbox-config.ts';
import type { SandboxView } from './pool/sandbox-view.ts';
import { type PoolServerStats, sandboxViews, statsOf } from './pool/stats.ts';
import { ToolPool, type Warmed } from './pool/tool-pool.ts';
import { findTool } from './registry.ts';
import type { ToolResult } from './tool/tool-result.ts';
import { prepareTool, useTool } from './tool/use-tool.ts';

export interface PoolServerOptions {
  core: Pick<CoreApi, 'pools' | 'system'>;
  clock: Clock;
  log: Logger;
  /** Where tools work in a sandbox; absolute, made when missing. */
  workingDirectory?: string;
}

export interface ToolCall {
  tool: string;
  /** As the client gave them. */
  parameters: unknown;
}

/**
 * Tools in sandboxes, for clients that know nothing of processes: in a sandbox that is borrowed for one call, or in one
 * that the client keeps. It holds no state of its own but the calls that are under way and the notebooks' kernels.
 */
export class PoolServer {
  readonly #options: Required<PoolServerOptions>;
  readonly #calls: OpenCalls;
  readonly #pool: ToolPool;
  readonly #borrowing: Borrowing;
  readonly #kept: KeptSandboxes;

  constructor(options: PoolServerOptions) {
    this.#options = { workingDirectory: '/sandbox', ...options };
    const { core, clock, log, workingDirectory } = this.#options;
    const { pools } = core;
    this.#calls = new OpenCalls(clock);
    this.#pool = new ToolPool({ core, clock });
    this.#borrowing = new Borrowing({ pools, calls: this.#calls, clock, log, workingDirectory });
    this.#kept = new KeptSandboxes({ pools, clock, log, workingDirectory });
  }

  /** Before the first call: ends what a killed core had borrowed, and the tools that it ran in kept sandboxes. */
  async start(): Promise<void> {
    await Promise.all([this.#borrowing.endOrphans(), this.#kept.endOrphans()]);
  }

  /**
   * Makes or resizes the pool that execute() borrows from.
   * @throws invalid_argument, not_found (image), run_failed when no instance comes up
   */
  initialize(
    size: number | undefined,
    config: unknown,
    caller: AbortSignal,
  ): Promise<Warmed & { warnings: string[] }> {
    return this.#calls.run(caller, async (signal) => {
      const wanted = this.#config(config);
      return { ...(await this.#pool.initialize(size, wanted, signal)), warnings: wanted.warnings };
    });
  }

  /**
   * @param wait milliseconds to wait for a sandbox
   * @throws not_found (tool), invalid_argument (parameters, not initialised), conflict (the pool is stopped),
   *   no_capacity (none in time, too many wait)
   */
  execute(
    { tool, parameters }: ToolCall,
    wait: number | undefined,
    caller: AbortSignal,
  ): Promise<ToolResult> {
    return this.#calls.run(caller, async (signal) => {
      const prepared = prepareTool(findTool(tool), parameters);
      await this.#pool.assertLends({ signal });
      try {
        return await this.#borrowing.execute(prepared, wait, signal);
      } catch (error) {
        // It may have been stopped or deleted while the call waited in line, and that is then the reason.
        if (refusals.has(FsbError.from(error).code)) await this.#pool.assertLends({ signal });
        throw error;
      }
    });
  }

  /** @throws invalid_argument, not_found (image), no_capacity, run_failed */
  create(config: unknown, caller: AbortSignal): Promise<{ lease: Lease; warnings: string[] }> {
    return this.#calls.run(caller, async (signal) => {
      const wanted = this.#config(config);
      return { lease: await this.#kept.create(wanted, { signal }), warnings: wanted.warnings };
    });
  }

  /** The tool runs when those of earlier calls in the same sandbox have ended. @throws not_found, invalid_argument */
  executeIn(id: string, { tool, parameters }: ToolCall, caller: AbortSignal): Promise<ToolResult> {
    return this.#calls.run(caller, async (signal) => {
      const prepared = prepareTool(findTool(tool), parameters);
      const lease = await this.#keptOne(id, signal);
      return this.#kept.use(lease, signal, (context) => useTool(prepared, context));
    });
  }

  /** Unpacks a tar archive. @throws not_found, invalid_argument, unsupported (no tar in the image) */
  putArchive(
    id: string,
    directory: string,
    archive: AsyncIterable<Uint8Array>,
    caller: AbortSignal,
  ): Promise<void> {
    return this.#calls.run(caller, async (signal) => {
      const lease = await this.#keptOne(id, signal);
      await this.#kept.use(lease, signal, (context) => extractArchive(context, directory, archive));
    });
  }

  /** Kept ones, then the instances of the pool. */
  async list(signal: AbortSignal): Promise<SandboxView[]> {
    return this.#views(await this.#pool.find({ signal }), signal);
  }

  /** @throws not_found */
  async get(id: string, signal: AbortSignal): Promise<SandboxView> {
    const found = (await this.list(signal)).find((view) => view.id === id);
    if (found === undefined) throw noSandbox(id);
    return found;
  }

  /** Ends a kept sandbox. @throws not_found, conflict (it is an instance of the pool) */
  release(id: string, caller: AbortSignal): Promise<void> {
    return this.#calls.run(caller, async (signal) => {
      const { id: lease } = await this.#keptOne(id, signal);
      await this.#kept.release(lease, { signal });
    });
  }

  async health(signal: AbortSignal): Promise<PoolServerHealth> {
    const info = await this.#options.core.system.info({ signal });
    return healthOf(info, (await this.list(signal)).length, this.#options.clock.now());
  }

  async stats(signal: AbortSignal): Promise<PoolServerStats> {
    const { startedAt } = await this.#options.core.system.info({ signal });
    const uptime = (this.#options.clock.now() - startedAt) / 1000;
    const pool = await this.#pool.find({ signal });
    return statsOf(await this.#views(pool, signal), pool, uptime);
  }

  /**
   * Refuses new calls, gives those under way `graceMs`, then ends their tools and gives back what they have; notebooks end,
   * kept sandboxes stay. Idempotent.
   */
  async close(graceMs: number): Promise<void> {
    await this.#calls.close(graceMs);
    await this.#kept.close();
  }

  async #views(pool: PoolDetails | undefined, signal: AbortSignal): Promise<SandboxView[]> {
    return sandboxViews(await this.#kept.list({ signal }), pool, this.#options.clock.now());
  }

  #config(input: unknown): ReturnType<typeof parseSandboxConfig> {
    return parseSandboxConfig(input ?? {}, this.#options.workingDirectory);
  }

  /** @throws not_found, conflict */
  async #keptOne(id: string, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#kept.find(id, { signal });
    if (lease !== undefined) return lease;
    const pool = await this.#pool.find({ signal });
    if (!pool?.instances.some((instance) => instance.id === id)) throw noSandbox(id);
    throw new FsbError('conflict', `sandbox ${id} belongs to the tool pool`, {
      hint: 'Use it with POST /pool/execute; resize the pool with POST /pool/initialize.',
    });
  }
}

/** How a pool that lends nothing refuses. */
const refusals: ReadonlySet<ErrorCode> = new Set(['no_capacity', 'conflict', 'not_found']);

const noSandbox = (id: string): FsbError =>
  new FsbError('not_found', `there is no sandbox ${id}`, {
    hint: 'It was stopped, or its time was over. See GET /sandboxes.',
  });
