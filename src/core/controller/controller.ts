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
  StopOptions,
  UsageQuery,
  WatchQuery,
} from '../api/sandbox-api.ts';
import { abortable } from '../model/async/abortable.ts';
import { noop } from '../model/async/noop.ts';
import { SharedWork } from '../model/async/shared-work.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import { assertName } from '../model/ids.ts';
import { assertDigest } from '../model/image/digest.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import { assertSignal, type ExitStatus, type ProcessSession, signalName } from '../model/process.ts';
import { isLive } from '../model/sandbox/phase.ts';
import { refKey, type Sandbox, type SandboxRef, type SandboxUsage } from '../model/sandbox/sandbox.ts';
import type { RecordTable } from '../store/store.ts';
import { attachTo } from './attached.ts';
import { AutoRemoval } from './auto-removal.ts';
import { Changes } from './changes.ts';
import { type Ending, Generations } from './generations.ts';
import type { History } from './happenings.ts';
import { filesLeftBy, filesOf, logIdsOf, needsFilesOnly } from './left-files.ts';
import { Lifecycle } from './lifecycle.ts';
import { listed } from './listing.ts';
import { assertKey, newSandbox } from './new-sandbox.ts';
import { NodeWatch } from './node-watch.ts';
import { Operations } from './operations.ts';
import { pageOf } from './pages.ts';
import { statusOf } from './phase-after.ts';
import { reconcile } from './reconcile.ts';
import { Recreations } from './recreations.ts';
import { Registry } from './registry.ts';
import { assertAwake, assertRunning, isPaused } from './requirements.ts';
import { Resync } from './resync.ts';
import { Retries } from './retries.ts';
import type { SandboxEntry } from './sandbox-entry.ts';
import { Starts } from './starts.ts';
import { usageOf } from './usage.ts';
import { currentRevision, watchSandboxes } from './watching.ts';

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
  readonly #log: Logger;
  readonly #history: History;
  readonly #registry: Registry;
  readonly #retries: Retries;
  readonly #lifecycle: Lifecycle;
  readonly #starts: Starts;
  readonly #generations: Generations;
  readonly #changes: Changes;
  readonly #operations: Operations;
  readonly #recreations: Recreations;
  readonly #watch: NodeWatch;
  readonly #mayBeWanted: (id: string) => boolean;
  readonly #autoRemoval: AutoRemoval;

  constructor({ agent, sandboxes, clock, log, mayBeWanted, history, recordRoom }: ControllerOptions) {
    this.#agent = agent;
    this.#clock = clock;
    this.#log = log;
    this.#mayBeWanted = mayBeWanted ?? (() => false);
    this.#history = history;
    this.#registry = new Registry(sandboxes, (happening) => history.append(happening), recordRoom);
    const registry = this.#registry;
    const retries = new Retries(clock, log);
    this.#retries = retries;
    const recreate = (entry: SandboxEntry): void => this.#recreations.due(entry);
    const lifecycle = new Lifecycle({ agent, registry, retries, clock, log, recreate });
    this.#lifecycle = lifecycle;
    this.#starts = new Starts({ agent, registry, retries, lifecycle, clock, log });
    this.#generations = new Generations({ agent, registry, starts: this.#starts, clock });
    this.#changes = new Changes({ agent, registry, lifecycle, clock });
    this.#operations = new Operations(registry, this.#generations);
    const turns = { operations: this.#operations, generations: this.#generations };
    this.#recreations = new Recreations({ ...turns, clock, log });
    this.#autoRemoval = new AutoRemoval({ operations: this.#operations, lifecycle, clock, log });
    const resync = new Resync({ agent, registry, lifecycle, retries, mayBeWanted: this.#mayBeWanted, log });
    this.#watch = new NodeWatch({
      ...{ agent, clock, log },
      changed: (report) => lifecycle.apply(report),
      asked: () => resync.asked(),
    });
  }

  /** Brings the records in line with what the node really has; before the first call is answered. */
  async recover(): Promise<void> {
    const { node } = await this.#agent.facts();
    await reconcile(await this.#watch.first, {
      node,
      registry: this.#registry,
      agent: this.#agent,
      lifecycle: this.#lifecycle,
      mayBeWanted: this.#mayBeWanted,
      retries: this.#retries,
      operations: this.#operations,
      clock: this.#clock,
      log: this.#log,
    });
    this.#lifecycle.resume();
    for (const entry of this.#registry.entries()) {
      this.#recreations.resume(entry);
      this.#autoRemoval.watch(entry);
    }
  }

  async create(request: CreateRequest, { signal }: CallOptions = {}): Promise<Sandbox> {
    const repeated = this.#registry.repeated(request);
    if (repeated?.start?.isAbandoned) {
      // By an earlier call with this key, whose caller is gone: this one begins anew when that is out of the way.
      await abortable(repeated.start.ended, signal);
      return this.create(request, { signal });
    }
    if (repeated) return repeated.start ? repeated.start.join(signal) : repeated.sandbox;
    const { imageDigest } = request;
    if (imageDigest !== undefined) assertDigest(imageDigest, 'image digest');
    const holder = this.#registry.holderOf(request);
    if (holder?.sandbox.autoRemove && (await this.#autoRemoval.giveWay(holder)))
      return this.create(request, { signal });
    const entry = this.#registry.add(newSandbox(request, this.#clock.now()));
    entry.start = new SharedWork((leaving) => {
      const start = (): Promise<Sandbox> =>
        this.#starts.start(entry, entry.save(), { imageDigest, signal: leaving });
      return this.#operations.first(entry, start).finally(() => {
        entry.start = undefined;
      });
    });
    this.#autoRemoval.watch(entry);
    return entry.start.join(signal);
  }

  async get(ref: SandboxRef): Promise<Sandbox> {
    const { sandbox } = this.#registry.require(ref);
    // What its log takes is worth no failure: a core without a descriptor to look with has more to say than that.
    const logBytes = await this.#logBytes(sandbox).catch(() => undefined);
    return { ...sandbox, logBytes };
  }

  async #logBytes(sandbox: Sandbox): Promise<number> {
    const sizes = await Promise.all(logIdsOf(sandbox).map((id) => this.#agent.logBytes(id)));
    return sizes.reduce((sum, size) => sum + size, 0);
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

  /** A generator, so that even an unknown name is told when the entries are asked for. */
  async *logs(ref: SandboxRef, query: LogQuery, options: CallOptions = {}): AsyncGenerator<LogEntry> {
    const entry = this.#registry.find(ref);
    if (entry === undefined) return yield* this.#agent.logs(await this.#retainedLog(ref), query, options);
    const leave = entry.read();
    try {
      // The node knows a generation from its start on.
      if (entry.sandbox.generation > 1)
        await entry.until(({ state }) => (state.phase === 'Pending' ? undefined : true), options.signal);
      // Where a start has failed, the log is where the files are.
      const id = filesOf(entry.sandbox) ?? entry.sandbox.id;
      if (query.sandboxId !== undefined && query.sandboxId !== id) throw isAnother(ref.name, 'log');
      yield* this.#agent.logs(id, query, options);
    } finally {
      leave();
    }
  }

  /** Of a sandbox that is deleted. @throws not_found, conflict (several ids begin so) */
  async #retainedLog(ref: SandboxRef): Promise<string> {
    const id = await this.#agent.retainedLog(ref);
    if (id === undefined) throw this.#registry.missing(ref);
    return id;
  }

  async exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession> {
    const { sandbox } = this.#registry.require(ref);
    if (needsFilesOnly(request) && !isLive(sandbox.state.phase))
      return this.#agent.execOnFiles(filesLeftBy(sandbox), request, options);
    assertAwake(sandbox);
    return this.#agent.exec(sandbox.id, request, options);
  }

  async attach(ref: SandboxRef, request: AttachRequest, options?: CallOptions): Promise<ProcessSession> {
    const entry = this.#registry.require(ref);
    const { sandbox } = entry;
    const { from } = request;
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

  start(ref: SandboxRef, { signal }: CallOptions = {}): Promise<Sandbox> {
    return this.#operations.take(ref, (entry) => this.#generations.start(entry), signal);
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
    const rename = async (entry: SandboxEntry): Promise<void> => {
      await this.#registry.rename(entry, name, this.#clock.now());
      failpoint('rename.recorded');
      const { id } = entry.sandbox;
      // It has its name; the node's is for people, and the next core tells it again.
      await this.#agent
        .rename(id, refKey(entry.sandbox))
        .catch((error) => this.#log.error({ err: error, sandbox: id }, 'cannot tell the node a name'));
    };
    return this.#operations.take(ref, rename, signal);
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
    this.#watch.close();
    this.#recreations.close();
    this.#autoRemoval.close();
    this.#lifecycle.close();
    await this.#retries.close();
  }
}

function isAnother(name: string, what: 'log' | 'output'): FsbError {
  return new FsbError(
    'not_found',
    `the sandbox whose ${what} was read is gone: another one is called ${name} now`,
  );
}
