import type { Logger } from 'pino';
import type {
  AgentApi,
  AgentSandbox,
  AgentSandboxState,
  StartedSandbox,
  StartRequest,
} from '../api/agent-api.ts';
import type { ImageApi, PoolApi } from '../api/core-api.ts';
import type { AttachRequest, CallOptions, ExecRequest } from '../api/sandbox-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Instance } from '../instance/instance.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { Clock } from '../model/clock.ts';
import { processFor } from '../model/command.ts';
import { didYouMean } from '../model/did-you-mean.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ProcessSession } from '../model/process.ts';
import type { SandboxSpec } from '../model/spec.ts';
import type { Pool } from '../pool/pool.ts';
import type { RecordTable } from '../store/store.ts';
import { attachToEnded, attachToRun } from './attach.ts';
import { execInRun } from './exec.ts';
import { checkedMounts } from './mount-sources.ts';
import { type InstanceRecord, MAIN_PROCESS, type SlotRecord } from './records.ts';
import { SandboxRun, type SandboxRunOptions } from './sandbox-run.ts';
import { shapeOf } from './shape-of.ts';

export interface AgentOptions {
  node: string;
  runtime: string;
  pool: Pool;
  images: ImageStore;
  imageApi: ImageApi;
  logs: LogStore;
  ledger: RecordTable<InstanceRecord>;
  slots: RecordTable<SlotRecord>;
  /** Where the core keeps its files: no sandbox may mount anything of them. */
  ownDirectories: readonly string[];
  clock: Clock;
  log: Logger;
}

/** The AgentApi of this node. */
export class Agent implements AgentApi {
  readonly node: string;
  readonly pools: PoolApi;
  readonly images: ImageApi;
  readonly #options: AgentOptions;
  readonly #runs = new Map<string, SandboxRun>();
  readonly #starting = new Map<string, { abort: AbortController; settled: Promise<void> }>();
  /** Instances on their way out, by the sandbox that had them: until then it is not gone. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #listeners = new Set<(change: AgentSandbox) => void>();
  #closing = false;

  constructor(options: AgentOptions) {
    this.node = options.node;
    this.images = options.imageApi;
    this.pools = { status: async () => options.pool.status() };
    this.#options = options;
  }

  async start(request: StartRequest, { signal }: CallOptions = {}): Promise<StartedSandbox> {
    const { sandboxId } = request;
    if (this.#closing) throw new FsbError('unavailable', 'the core is stopping');
    if (this.holds(sandboxId))
      throw new FsbError('already_exists', `sandbox id ${sandboxId} was started before`);
    const abort = new AbortController();
    const started = this.#start(request, signal ? AbortSignal.any([signal, abort.signal]) : abort.signal);
    this.#starting.set(sandboxId, { abort, settled: started.then(noop, noop) });
    try {
      return await started;
    } finally {
      this.#starting.delete(sandboxId);
    }
  }

  async #start({ sandboxId, claimName, spec }: StartRequest, signal: AbortSignal): Promise<StartedSandbox> {
    const { pool, images, logs, ledger, slots, clock, runtime, ownDirectories } = this.#options;
    this.#requirePool(spec.pool_ref);
    const image = await images.resolve(spec.image);
    const process = { ...processFor(spec, image.config), tty: spec.tty, stdin: spec.stdin };
    const mounts = await checkedMounts(spec.mounts, ownDirectories);
    const shape = shapeOf({ ...spec, mounts }, image, runtime);
    const opening = logs.writer(sandboxId);
    opening.catch(noop);
    let claimed: Instance | undefined;
    try {
      const { instance, hit } = await pool.claim({ shape, image: image.reference, signal });
      claimed = instance;
      throwIfAborted(signal);
      const slot: SlotRecord = { claimName, instance: instance.id, startedAt: clock.now(), process };
      // The records are written while the guest starts the command; a crash in between leaves a trace either way.
      const recorded = Promise.all([
        ledger.put(instance.id, { shape, sandboxId }),
        slots.put(sandboxId, slot),
      ]);
      recorded.catch(noop);
      const main = await instance.channel.spawn(MAIN_PROCESS, process, signal);
      const log = await opening;
      await recorded;
      this.takeUp({ sandboxId, slot, instance, main, log });
      return { instance: instance.id, warm: hit, startedAt: slot.startedAt, endpoints: endpointsOf(spec) };
    } catch (error) {
      if (claimed) this.#leave(sandboxId, pool.release(claimed));
      await opening.then((log) => log.close(), noop);
      await this.forget(sandboxId);
      throw error;
    }
  }

  stop(sandboxId: string, grace: number): { stopped: Promise<void>; gone: Promise<void> } {
    const stopped = this.#stop(sandboxId, grace);
    const gone = stopped.then(() => this.#leaving.get(sandboxId));
    // Whoever waits for `stopped` alone must not end the core when the teardown fails.
    gone.catch(noop);
    return { stopped, gone };
  }

  async #stop(sandboxId: string, grace: number): Promise<void> {
    const starting = this.#starting.get(sandboxId);
    starting?.abort.abort(new FsbError('cancelled', 'the sandbox was deleted while it was starting'));
    await starting?.settled;
    await this.#runs.get(sandboxId)?.stop(grace);
  }

  /** The sandbox may have ended by itself long before someone asks whether it is gone. */
  #leave(sandboxId: string, gone: Promise<void>): void {
    this.#leaving.set(sandboxId, gone);
    gone
      .catch((error) =>
        this.#options.log.error({ err: error, sandbox: sandboxId }, 'cannot destroy an instance'),
      )
      .finally(() => this.#leaving.delete(sandboxId));
  }

  async exec(sandboxId: string, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    return execInRun(this.#running(sandboxId), request, signal);
  }

  async attach(sandboxId: string, request: AttachRequest): Promise<ProcessSession> {
    const run = this.#runs.get(sandboxId);
    if (run) return attachToRun(run, request, this.#options.logs);
    const end = this.#options.slots.get(sandboxId)?.end;
    if (end && request.replay) return attachToEnded(sandboxId, end, this.#options.logs);
    throw new FsbError('conflict', 'the sandbox is not running', {
      hint: 'See what it wrote with: fsb-ctl logs NAME',
    });
  }

  logs(sandboxId: string, query: LogQuery, { signal }: CallOptions = {}): AsyncIterable<LogEntry> {
    const follow = query.follow && this.holds(sandboxId);
    return this.#options.logs.read(sandboxId, { ...query, follow }, signal);
  }

  async forget(sandboxId: string): Promise<void> {
    await Promise.all([this.#options.slots.remove(sandboxId), this.#options.logs.remove(sandboxId)]);
  }

  async sandboxes(): Promise<AgentSandbox[]> {
    return [...this.#options.slots.entries()].map(([sandboxId, slot]) => ({
      sandboxId,
      state: stateOf(slot),
    }));
  }

  watch(listener: (change: AgentSandbox) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a running sandbox into the agent's care until its end: a new one, or one that recovery found. */
  takeUp(found: Pick<SandboxRunOptions, 'sandboxId' | 'slot' | 'instance' | 'main' | 'log'>): void {
    const { slots, pool, clock, log } = this.#options;
    const { sandboxId, slot } = found;
    const run = new SandboxRun({
      ...found,
      clock,
      logger: log,
      recordEnd: (end) => slots.put(sandboxId, { ...slot, end }),
      release: (instance) => pool.release(instance),
    });
    this.#runs.set(sandboxId, run);
    void run.ended.then((end) => {
      if (this.#closing) return;
      this.#runs.delete(sandboxId);
      this.#announce({ sandboxId, state: stateOf({ ...slot, end }) });
    });
    this.#leave(sandboxId, run.gone);
  }

  /** True while the sandbox has an instance, or is about to get one. */
  holds(sandboxId: string): boolean {
    return this.#runs.has(sandboxId) || this.#starting.has(sandboxId);
  }

  #announce(change: AgentSandbox): void {
    for (const listener of this.#listeners) listener(change);
  }

  #running(sandboxId: string): SandboxRun {
    const run = this.#runs.get(sandboxId);
    if (run) return run;
    throw new FsbError('conflict', 'the sandbox is not running', { hint: 'See why with: fsb-ctl get NAME' });
  }

  #requirePool(name: string): void {
    const known = this.#options.pool.policy.name;
    if (name === known) return;
    const near = didYouMean(name, [known]);
    throw new FsbError('not_found', `pool ${name} does not exist`, {
      hint: near ? `Did you mean ${near}?` : `The pool of this core is ${known}.`,
    });
  }

  /** Lets go of every sandbox and leaves it running: the next core takes it up. Idle instances are destroyed. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { abort } of this.#starting.values())
      abort.abort(new FsbError('unavailable', 'the core is stopping'));
    await Promise.all([...this.#starting.values()].map(({ settled }) => settled));
    await Promise.all([...this.#runs.values()].map((run) => run.detach()));
    await this.#options.pool.close({ destroyIdle: true });
  }
}

function stateOf(slot: SlotRecord): AgentSandboxState {
  const { startedAt, end } = slot;
  if (end === undefined) return { state: 'running', startedAt };
  if (end.kind === 'lost') return { state: 'lost', reason: end.reason };
  return { state: 'ended', startedAt, endedAt: end.at, status: end.status };
}

/** Where the exposed ports can be reached: nowhere, unless the sandbox shares the node's network. */
function endpointsOf(spec: Pick<SandboxSpec, 'exposed_ports' | 'network'>): string[] {
  return spec.network === 'host' ? spec.exposed_ports.map((port) => `127.0.0.1:${port}`) : [];
}

const noop = (): void => {};
