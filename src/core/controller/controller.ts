import type { Logger } from 'pino';
import type { AgentApi } from '../api/agent-api.ts';
import type {
  AttachRequest,
  CallOptions,
  CreateRequest,
  DeleteOptions,
  ExecRequest,
  ListQuery,
  PageQuery,
  ResetOptions,
  SandboxApi,
  SandboxChange,
  SandboxNews,
  SandboxPage,
  StartOptions,
  StopOptions,
  UsageQuery,
  WatchQuery,
} from '../api/sandbox-api.ts';
import { abortable } from '../model/async/abortable.ts';
import { noop } from '../model/async/noop.ts';
import type { Clock } from '../model/clock.ts';
import { assertName } from '../model/ids.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import {
  assertSignal,
  assertTerminalSize,
  type ExitStatus,
  type ProcessSession,
  signalName,
} from '../model/process.ts';
import { isLive } from '../model/sandbox/phase.ts';
import type { Sandbox, SandboxRef, SandboxUsage } from '../model/sandbox/sandbox.ts';
import type { RecordTable } from '../store/store.ts';
import { filesLeftBy, needsFilesOnly } from './decide/left-files.ts';
import { statusOf } from './decide/phase-after.ts';
import { assertAwake, assertRunning, isAnother, isPaused } from './decide/requirements.ts';
import { attachTo } from './lifecycle/attached.ts';
import { AutoRemoval } from './lifecycle/auto-removal.ts';
import { Changes } from './lifecycle/changes.ts';
import { Creations } from './lifecycle/creations.ts';
import { type Ending, Generations } from './lifecycle/generations.ts';
import { Lifecycle } from './lifecycle/lifecycle.ts';
import { Operations } from './lifecycle/operations.ts';
import { Retries } from './lifecycle/retries.ts';
import { Starts } from './lifecycle/starts.ts';
import { listed } from './queries/listing.ts';
import { pageOf } from './queries/pages.ts';
import { SandboxLogs } from './queries/sandbox-logs.ts';
import { usageOf } from './queries/usage.ts';
import { currentRevision, watchSandboxes } from './queries/watching.ts';
import type { History } from './records/happenings.ts';
import { assertKey } from './records/new-sandbox.ts';
import { Registry } from './records/registry.ts';
import type { SandboxEntry } from './records/sandbox-entry.ts';
import { Recovery } from './recovery/recovery.ts';

export interface ControllerOptions {
  agent: AgentApi;
  sandboxes: RecordTable<Sandbox>;
  clock: Clock;
  log: Logger;
  /** As ReconcileOptions; left out: none. */
  mayBeWanted?: (id: string) => boolean;
  /** Where everything that happens to sandboxes is told, in order. */
  history: History;
  /** Of the specs of all sandboxes, characters; left out: what fits the memory of the process. */
  recordRoom?: number;
}

/** Names, phases, expiry, deletion: the SandboxApi in this process. */
export class Controller implements SandboxApi {
  readonly #agent: AgentApi;
  readonly #clock: Clock;
  readonly #history: History;
  readonly #registry: Registry;
  readonly #retries: Retries;
  readonly #lifecycle: Lifecycle;
  readonly #creations: Creations;
  readonly #generations: Generations;
  readonly #changes: Changes;
  readonly #operations: Operations;
  readonly #recovery: Recovery;
  readonly #autoRemoval: AutoRemoval;
  readonly #logs: SandboxLogs;

  constructor(options: ControllerOptions) {
    const { agent, sandboxes, clock, log, mayBeWanted = () => false, history, recordRoom } = options;
    this.#agent = agent;
    this.#clock = clock;
    this.#history = history;
    this.#registry = new Registry(sandboxes, (happening) => history.append(happening), recordRoom);
    const registry = this.#registry;
    const retries = new Retries(clock, log);
    this.#retries = retries;
    const recreate = (entry: SandboxEntry): void => this.#recovery.recreate(entry);
    const lifecycle = new Lifecycle({ agent, registry, retries, clock, log, recreate });
    this.#lifecycle = lifecycle;
    const starts = new Starts({ agent, registry, retries, lifecycle, clock, log });
    const generations = new Generations({ agent, registry, starts, clock });
    this.#generations = generations;
    this.#changes = new Changes({ agent, registry, lifecycle, clock, log });
    const operations = new Operations(registry, generations);
    this.#operations = operations;
    const autoRemoval = new AutoRemoval({ operations, lifecycle, clock, log });
    this.#autoRemoval = autoRemoval;
    this.#creations = new Creations({ registry, operations, starts, autoRemoval, clock });
    this.#logs = new SandboxLogs(agent, registry);
    this.#recovery = new Recovery({
      ...{ agent, registry, lifecycle, retries, operations, generations, clock, log },
      mayBeWanted,
    });
  }

  /** Brings the records in line with what the node really has; before the first call is answered. */
  async recover(): Promise<void> {
    await this.#recovery.recover();
    for (const entry of this.#registry.entries()) this.#autoRemoval.watch(entry);
  }

  create(request: CreateRequest, options?: CallOptions): Promise<Sandbox> {
    return this.#creations.create(request, options);
  }

  async get(ref: SandboxRef): Promise<Sandbox> {
    const { sandbox } = this.#registry.require(ref);
    // What its log takes is worth no failure: a core without a descriptor to look with has more to say than that.
    const logBytes = await this.#logs.bytes(sandbox).catch(() => undefined);
    return { ...sandbox, logBytes };
  }

  async list(query: ListQuery): Promise<Sandbox[]> {
    return listed(
      this.#registry.entries().map(({ sandbox }) => sandbox),
      query,
    );
  }

  async page(query: PageQuery): Promise<SandboxPage> {
    return pageOf(this.#registry.entries(), query, currentRevision(this.#history));
  }

  watch(query: WatchQuery, options?: CallOptions): AsyncIterable<SandboxNews> {
    const present = {
      all: () => this.#registry.entries().map(({ sandbox }) => sandbox),
      byId: (id: string) => this.#registry.byId(id)?.sandbox,
    };
    return watchSandboxes(this.#history, present, query, options);
  }

  async delete(ref: SandboxRef, { grace, wait = true, signal }: DeleteOptions = {}): Promise<void> {
    const entry = this.#registry.require(ref);
    const { recorded, gone } = this.#lifecycle.remove(entry, grace ?? entry.sandbox.spec.grace_period);
    if (wait) return abortable(gone, signal);
    gone.catch(noop);
    // A core that is killed after the answer must not bring the sandbox back.
    await abortable(recorded, signal);
  }

  logs(ref: SandboxRef, query: LogQuery, options?: CallOptions): AsyncGenerator<LogEntry> {
    return this.#logs.read(ref, query, options);
  }

  async exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession> {
    const { sandbox } = this.#registry.require(ref);
    if (needsFilesOnly(request) && !isLive(sandbox.state.phase))
      return this.#agent.execOnFiles(filesLeftBy(sandbox), request, options);
    assertAwake(sandbox);
    return this.#agent.exec(sandbox.id, request, options);
  }

  async attach(ref: SandboxRef, request: AttachRequest, options?: CallOptions): Promise<ProcessSession> {
    const { from } = request;
    const entry = this.#registry.require(ref, from?.sandboxId);
    const { sandbox } = entry;
    if (from !== undefined && from.sandboxId !== sandbox.id) throw isAnother(ref.name, 'output');
    if (from === undefined && (!request.replay || isPaused(sandbox.state))) assertAwake(sandbox);
    return attachTo(entry, () => this.#agent.attach(sandbox.id, request, options));
  }

  async wait(ref: SandboxRef, { signal }: CallOptions = {}): Promise<ExitStatus> {
    return this.#registry.require(ref).until(statusOf, signal);
  }

  stop(ref: SandboxRef, options: StopOptions = {}): Promise<Sandbox> {
    return this.#operations.ending(ref, options, (entry, how) => this.#generations.stop(entry, how));
  }

  async start(ref: SandboxRef, { size, signal }: StartOptions = {}): Promise<Sandbox> {
    if (size !== undefined) assertTerminalSize(size);
    return this.#operations.take(ref, (entry) => this.#generations.start(entry, size), signal);
  }

  restart(ref: SandboxRef, options: StopOptions = {}): Promise<Sandbox> {
    return this.#operations.ending(ref, options, (entry, how) => this.#generations.restart(entry, how));
  }

  async reset(ref: SandboxRef, { revision, ...options }: ResetOptions = {}): Promise<Sandbox> {
    assertKey('the revision of the reset', revision ?? '');
    const reset = (entry: SandboxEntry, how: Ending): Promise<void> =>
      this.#generations.reset(entry, how, revision);
    return this.#operations.ending(ref, options, reset);
  }

  pause(ref: SandboxRef, { signal }: CallOptions = {}): Promise<Sandbox> {
    return this.#operations.take(ref, (entry) => this.#changes.pause(entry), signal);
  }

  unpause(ref: SandboxRef, { signal }: CallOptions = {}): Promise<Sandbox> {
    return this.#operations.take(ref, (entry) => this.#changes.unpause(entry), signal);
  }

  /** Waits for no turn: it may be what ends the operation that has it. */
  async signal(ref: SandboxRef, signal: number): Promise<void> {
    const entry = this.#registry.require(ref);
    assertSignal(signal);
    assertRunning(entry.sandbox);
    await this.#agent.signal(entry.sandbox.id, signal);
    entry.tell({ type: 'killed', signal: signalName(signal) });
  }

  async rename(ref: SandboxRef, name: string, { signal }: CallOptions = {}): Promise<Sandbox> {
    assertName(name, 'sandbox name');
    return this.#operations.take(ref, (entry) => this.#changes.rename(entry, name), signal);
  }

  update(ref: SandboxRef, change: SandboxChange, { signal }: CallOptions = {}): Promise<Sandbox> {
    return this.#operations.take(ref, (entry) => this.#changes.update(entry, change), signal);
  }

  async usage(query: UsageQuery, { signal }: CallOptions = {}): Promise<SandboxUsage[]> {
    const parts = { registry: this.#registry, agent: this.#agent, now: this.#clock.now };
    return abortable(usageOf(query, parts), signal);
  }

  /** Nothing happens by itself any more; the sandboxes live on. Waits for what is just being ended, for five seconds. */
  async close(): Promise<void> {
    this.#recovery.close();
    this.#autoRemoval.close();
    this.#lifecycle.close();
    await this.#retries.close();
  }
}
