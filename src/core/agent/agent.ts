import type { Logger } from 'pino';
import type {
  AgentApi,
  AgentFacts,
  AgentNews,
  AgentSandbox,
  AgentStopOptions,
  AgentUsage,
  FilesRequest,
  StartedSandbox,
  StartRequest,
} from '../api/agent-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { EventStream, PoolApi } from '../api/pool-api.ts';
import type { AttachRequest, CallOptions, ExecRequest } from '../api/sandbox-api.ts';
import { abortable } from '../model/async/abortable.ts';
import { endsWithin } from '../model/async/ends-within.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ProcessSession } from '../model/process.ts';
import type { SandboxRef } from '../model/sandbox/sandbox.ts';
import type { Resources } from '../model/sandbox/shape.ts';
import type { HelperInstances } from './files/helper-instances.ts';
import type { Leases } from './leases/leases.ts';
import type { Runs } from './leases/runs.ts';
import type { KeptFiles } from './ledger/kept-files.ts';
import type { SlotRecord } from './ledger/records.ts';
import type { RetainedLogs } from './logs/retained-logs.ts';
import type { Holder } from './pools/held-instance.ts';
import type { Unsettled } from './recovery/unsettled.ts';
import { attachToEnded, attachToRun } from './sandboxes/attach.ts';
import { knownSandboxes, stateOf } from './sandboxes/known-sandboxes.ts';
import { LiveSandboxes } from './sandboxes/live-sandboxes.ts';
import { Losses } from './sandboxes/losses.ts';
import { Reports } from './sandboxes/reports.ts';
import type { SandboxRun } from './sandboxes/sandbox-run.ts';
import { type SandboxGround, type SandboxParts, startSandbox } from './sandboxes/start-sandbox.ts';
import { StartsUnderWay } from './sandboxes/starts-under-way.ts';

/** Milliseconds that close() waits for what is let go of: as long as the pools do, which end it. */
const CLOSE_LIMIT = 15_000;

export interface AgentOptions extends SandboxGround {
  poolApi: PoolApi;
  imageApi: ImageApi;
  events: EventStream;
  leases: Pick<Leases, 'close'>;
  runs: Pick<Runs, 'close'>;
  helpers: Pick<HelperInstances, 'exec' | 'handOver' | 'discard' | 'close'>;
  files: Pick<KeptFiles, 'entries' | 'logOf' | 'logCame' | 'hasLog'>;
  retained: Pick<RetainedLogs, 'keep' | 'find'>;
  unsettled: Pick<Unsettled, 'list' | 'reasonOf' | 'giveUp'>;
  /** Leaves nothing of an instance, but for its files when they are to be kept for a sandbox. */
  abandon: (instance: string, filesFor: string | undefined) => Promise<void>;
  log: Logger;
}

/** The AgentApi of this node. */
export class Agent implements AgentApi {
  readonly pools: PoolApi;
  readonly images: ImageApi;
  readonly events: EventStream;
  readonly #options: AgentOptions;
  readonly #live: LiveSandboxes;
  readonly #losses: Losses;
  readonly #starting = new StartsUnderWay();
  readonly #reports = new Reports();
  #closing = false;

  constructor(options: AgentOptions) {
    this.pools = options.poolApi;
    this.images = options.imageApi;
    this.events = options.events;
    this.#options = options;
    const { unsettled, clock, log, slots } = options;
    this.#losses = new Losses({ slots, clock, log });
    this.#live = new LiveSandboxes({
      ...{ unsettled, slots, clock, log },
      ended: (sandboxId, slot) => void this.#over(sandboxId, slot),
      unrecorded: (sandboxId, end) => void this.#losses.note(sandboxId, end),
    });
  }

  async facts(): Promise<AgentFacts> {
    const { node, most } = this.#options;
    return { node, ...most };
  }

  async start(request: StartRequest, { signal }: CallOptions = {}): Promise<StartedSandbox> {
    const { sandboxId } = request;
    if (this.#closing) throw new FsbError('unavailable', 'the core is stopping');
    if (this.holds(sandboxId))
      throw new FsbError('already_exists', `sandbox id ${sandboxId} was started before`);
    return this.#starting.add(sandboxId, signal, (either) => this.#start(request, either));
  }

  async #start(request: StartRequest, signal: AbortSignal): Promise<StartedSandbox> {
    const { sandboxId, claimName, filesOf } = request;
    const holder = this.holderOf(sandboxId, claimName);
    const abandoned = (gone: Promise<void>): void => this.#live.leave(sandboxId, gone);
    try {
      if (filesOf !== undefined) await this.#live.leaving(filesOf);
      const { parts, started } = await startSandbox(request, this.#options, holder, abandoned, signal);
      this.#live.takeUp(parts);
      return started;
    } catch (error) {
      // Not what it has of the generation before: it may be tried again with that.
      const { slots } = this.#options;
      await Promise.all([slots.remove(sandboxId), filesOf ?? this.#removeLog(sandboxId)]);
      throw error;
    }
  }

  async stop(sandboxId: string, options: AgentStopOptions): Promise<void> {
    const deleted = new FsbError('cancelled', 'the sandbox was deleted while it was starting');
    await this.#starting.breakOff(sandboxId, deleted);
    await this.#options.unsettled.giveUp(sandboxId, async (instance) => {
      await this.#options.abandon(instance, options.keepFiles ? sandboxId : undefined);
      failpoint('give-up.abandoned');
      await this.lose(sandboxId, 'it was ended before the core could reach it again');
    });
    await this.#live.get(sandboxId)?.stop(options);
    await this.#live.leaving(sandboxId);
  }

  /**
   * Its instance is gone, and nobody saw the end. Resolves when that is on record, for one that has a slot, or, where there
   * is no room for it, will be.
   */
  async lose(sandboxId: string, reason: string): Promise<void> {
    const { clock } = this.#options;
    const slot = this.#losses.slot(sandboxId);
    if (slot === undefined) return this.#announce({ sandboxId, state: { state: 'lost', reason } });
    if (slot.end !== undefined) return;
    const end = { kind: 'lost' as const, at: clock.now(), reason };
    await this.#losses.note(sandboxId, end);
    await this.#over(sandboxId, { ...slot, end });
  }

  /** Its log may have found no room to say so; who began to follow it since then is to hear of it, too. */
  async #over(sandboxId: string, slot: SlotRecord): Promise<void> {
    this.#announce({ sandboxId, state: stateOf(slot) });
    await this.#options.logs.desert(sandboxId);
  }

  async exec(sandboxId: string, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    return this.#live.awake(sandboxId).execs.start(request, signal);
  }

  async execOnFiles(
    files: FilesRequest,
    request: ExecRequest,
    options?: CallOptions,
  ): Promise<ProcessSession> {
    const { sandboxId } = files;
    // One whose time is up may still be ending.
    if (this.#live.has(sandboxId)) return this.exec(sandboxId, request, options);
    await abortable(this.#live.leaving(sandboxId), options?.signal);
    return this.#options.helpers.exec(files, request, options);
  }

  async attach(sandboxId: string, request: AttachRequest): Promise<ProcessSession> {
    const run = this.#live.get(sandboxId);
    // Whoever was there before it was paused may come back.
    if (run)
      return attachToRun(request.from ? run : this.#live.awake(sandboxId), request, this.#options.logs);
    const slot = this.#losses.slot(sandboxId);
    if (slot?.end && (request.replay || request.from))
      return attachToEnded(sandboxId, { ...slot, end: slot.end }, request, this.#options.logs);
    this.#live.assertSettled(sandboxId);
    throw new FsbError('conflict', 'the sandbox is not running', {
      hint: 'See what it wrote with: fsb-ctl logs NAME',
    });
  }

  async pause(sandboxId: string): Promise<void> {
    await this.#live.running(sandboxId).changes.pause();
  }

  async unpause(sandboxId: string): Promise<void> {
    await this.#live.running(sandboxId).changes.unpause();
  }

  async signal(sandboxId: string, signal: number): Promise<void> {
    this.#live.running(sandboxId).signal(signal);
  }

  async update(sandboxId: string, resources: Resources): Promise<void> {
    await this.#live.running(sandboxId).changes.resize(resources);
  }

  async rename(sandboxId: string, claimName: string): Promise<void> {
    await this.#live.get(sandboxId)?.changes.rename(claimName);
  }

  async usage(sandboxId: string): Promise<AgentUsage | undefined> {
    const run = this.#live.get(sandboxId);
    if (run === undefined) return undefined;
    try {
      const { memory, cpuMicros, pids } = await run.instance.stats();
      return { memory, cpuMicros, pids };
    } catch (error) {
      // It may have ended while it was looked at.
      if (this.#live.get(sandboxId) !== run) return undefined;
      throw error;
    }
  }

  logs(sandboxId: string, query: LogQuery, { signal }: CallOptions = {}): AsyncIterable<LogEntry> {
    const { logs, files, unsettled } = this.#options;
    const isHere = this.holds(sandboxId) || unsettled.reasonOf(sandboxId) !== undefined;
    const follow = query.follow && isHere;
    return logs.read(files.logOf(sandboxId), { ...query, follow }, signal);
  }

  logBytes(sandboxId?: string): Promise<number> {
    const { logs, files } = this.#options;
    return logs.size(sandboxId && files.logOf(sandboxId));
  }

  async forget(sandboxId: string, { logOf }: { logOf?: SandboxRef } = {}): Promise<void> {
    const { helpers, retained, slots, files } = this.#options;
    const log = files.logOf(sandboxId);
    await helpers.discard(sandboxId);
    failpoint('forget.files');
    const isRetained = logOf !== undefined && (await retained.keep(log, logOf));
    await Promise.all([slots.remove(sandboxId), isRetained || this.#removeLog(log)]);
  }

  /** Unless the next generation has the files, and goes on with it. */
  async #removeLog(sandboxId: string): Promise<void> {
    const { files, logs } = this.#options;
    if (!files.hasLog(sandboxId)) await logs.remove(sandboxId);
  }

  async retainedLog(ref: SandboxRef): Promise<string | undefined> {
    return this.#options.retained.find(ref);
  }

  async sandboxes(): Promise<AgentSandbox[]> {
    return knownSandboxes(this.#losses, this.#options);
  }

  watch({ signal }: CallOptions = {}): AsyncIterable<AgentNews> {
    return this.#reports.read(() => this.sandboxes(), signal);
  }

  /** Takes a sandbox that recovery found running into the agent's care, until its end. */
  takeUp(parts: SandboxParts): SandboxRun {
    return this.#live.takeUp(parts);
  }

  /** Who is told to people as the holder of its instance. */
  holderOf(sandboxId: string, claimName: string): Holder {
    const { slots } = this.#options;
    return {
      get name() {
        return `sandbox ${slots.get(sandboxId)?.claimName ?? claimName}`;
      },
      end: () => this.stop(sandboxId, { grace: 0, keepFiles: true }),
    };
  }

  /** True while the sandbox has an instance, or is about to get one. */
  holds(sandboxId: string): boolean {
    return this.#live.has(sandboxId) || this.#starting.has(sandboxId);
  }

  #announce(change: AgentSandbox): void {
    this.#reports.tell(change);
  }

  /**
   * Lets go of every sandbox and lease and leaves it running: the next core takes it up. What is idle, and what is given
   * back now, is destroyed; what is not gone in fifteen seconds is left to the next core.
   */
  async close(): Promise<void> {
    this.#closing = true;
    this.#losses.close();
    this.#live.letGo();
    this.#starting.breakOffAll(new FsbError('unavailable', 'the core is stopping'));
    const { pools, clock, log } = this.#options;
    // Beside each other: how long a teardown is worth waiting for, the pools alone know.
    const [ended] = await Promise.all([endsWithin(clock, CLOSE_LIMIT, this.#letGo()), pools.close()]);
    if (!ended) log.error('the agent closed before all that it had let go of was gone');
  }

  async #letGo(): Promise<void> {
    const { leases, runs, helpers } = this.#options;
    const detached = this.#starting.ended().then(() => this.#live.detach());
    await Promise.all([runs.close(), leases.close(), helpers.close(), detached]);
  }
}
