import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../api/agent-api.ts';
import type {
  AttachRequest,
  CallOptions,
  CreateRequest,
  DeleteOptions,
  ExecRequest,
  ListQuery,
  SandboxApi,
} from '../api/sandbox-api.ts';
import { abortable } from '../model/abortable.ts';
import type { Clock } from '../model/clock.ts';
import { assertDigest } from '../model/digest.ts';
import { FsbError, failedStartCodes } from '../model/errors.ts';
import { Expiry } from '../model/expiry.ts';
import { assertName, newSandboxId, newSandboxName } from '../model/ids.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ExitStatus, ProcessSession } from '../model/process.ts';
import type { Sandbox, SandboxRef } from '../model/sandbox.ts';
import { parseSpec } from '../model/spec.ts';
import type { RecordTable } from '../store/store.ts';
import { phaseAfter, statusOf } from './outcome.ts';
import { reconcile } from './reconcile.ts';
import { Registry } from './registry.ts';
import type { SandboxEntry } from './sandbox-entry.ts';

export interface ControllerOptions {
  agent: AgentApi;
  sandboxes: RecordTable<Sandbox>;
  clock: Clock;
  log: Logger;
}

/** Names, phases, expiry, deletion: the SandboxApi in this process. */
export class Controller implements SandboxApi {
  readonly #agent: AgentApi;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #registry: Registry;
  readonly #expiry: Expiry;
  readonly #unwatch: () => void;

  constructor({ agent, sandboxes, clock, log }: ControllerOptions) {
    this.#agent = agent;
    this.#clock = clock;
    this.#log = log;
    this.#registry = new Registry(sandboxes);
    this.#expiry = new Expiry(clock, (id) => this.#expire(id));
    this.#unwatch = agent.watch((change) => this.#apply(change));
  }

  /** Brings the records in line with what the node really has; before the first call is answered. */
  async recover(): Promise<void> {
    await reconcile({
      registry: this.#registry,
      agent: this.#agent,
      now: this.#clock.now(),
      apply: (report) => this.#apply(report),
      started: (entry, startedAt, given) => {
        const spec = { ...entry.sandbox.spec, ...given };
        this.#started(entry, startedAt, { spec, node: this.#agent.node });
      },
      remove: (entry) => this.#remove(entry, 0).gone,
      log: this.#log,
    });
    for (const { sandbox } of this.#registry.entries())
      if (sandbox.state.phase === 'Running') this.#expiry.set(sandbox.id, sandbox.expiresAt);
  }

  async create(request: CreateRequest, { signal }: CallOptions = {}): Promise<Sandbox> {
    const repeated = this.#repeated(request);
    if (repeated) return repeated.start ? abortable(repeated.start, signal) : repeated.sandbox;
    if (request.imageDigest !== undefined) assertDigest(request.imageDigest, 'image digest');
    const entry = this.#registry.add(this.#newSandbox(request));
    entry.start = this.#start(entry, request.imageDigest, signal).finally(() => {
      entry.start = undefined;
    });
    return entry.start;
  }

  async get(ref: SandboxRef): Promise<Sandbox> {
    return this.#registry.require(ref).sandbox;
  }

  async list({ namespace, labels = {}, phases }: ListQuery): Promise<Sandbox[]> {
    return this.#registry
      .entries()
      .map(({ sandbox }) => sandbox)
      .filter((sandbox) => namespace === undefined || sandbox.namespace === namespace)
      .filter((sandbox) => phases === undefined || phases.includes(sandbox.state.phase))
      .filter((sandbox) => Object.entries(labels).every(([key, value]) => sandbox.spec.labels[key] === value))
      .sort(
        (a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name) || a.createdAt - b.createdAt,
      );
  }

  async delete(ref: SandboxRef, { grace, wait = true, signal }: DeleteOptions = {}): Promise<void> {
    const entry = this.#registry.require(ref);
    const { recorded, gone } = this.#remove(entry, grace ?? entry.sandbox.spec.grace_period);
    if (wait) return abortable(gone, signal);
    gone.catch((error) => this.#log.error({ err: error, sandbox: ref.name }, 'deletion failed'));
    // A core that is killed after the answer must not bring the sandbox back.
    await abortable(recorded, signal);
  }

  /** A generator, so that even an unknown name is told when the entries are asked for. */
  async *logs(ref: SandboxRef, query: LogQuery, options?: CallOptions): AsyncGenerator<LogEntry> {
    yield* this.#agent.logs(this.#registry.require(ref).sandbox.id, query, options);
  }

  async exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession> {
    const { sandbox } = this.#registry.require(ref);
    requireRunning(sandbox);
    return this.#agent.exec(sandbox.id, request, options);
  }

  async attach(ref: SandboxRef, request: AttachRequest, options?: CallOptions): Promise<ProcessSession> {
    const { sandbox } = this.#registry.require(ref);
    if (!request.replay) requireRunning(sandbox);
    return this.#agent.attach(sandbox.id, request, options);
  }

  async wait(ref: SandboxRef, { signal }: CallOptions = {}): Promise<ExitStatus> {
    return this.#registry.require(ref).until(statusOf, signal);
  }

  /** Stops watching and expiring; the sandboxes live on. */
  close(): void {
    this.#unwatch();
    this.#expiry.close();
  }

  #newSandbox({ namespace, name, spec: input, idempotencyKey }: CreateRequest): Sandbox {
    const spec = parseSpec(input);
    assertName(namespace, 'namespace');
    if (name !== '') assertName(name, 'sandbox name');
    if (spec.failure_policy !== 'Manual')
      throw new FsbError('unsupported', `failure_policy ${spec.failure_policy} is not available yet`, {
        hint: 'Leave it out, or use Manual.',
      });
    const now = this.#clock.now();
    return {
      id: newSandboxId(),
      namespace,
      name: name || newSandboxName(),
      generation: 1,
      spec,
      state: { phase: 'Pending' },
      node: '',
      endpoints: [],
      createdAt: now,
      expiresAt: 0,
      events: [{ time: now, message: 'created' }],
      ...(idempotencyKey ? { idempotencyKey } : {}),
    };
  }

  /** The sandbox that an earlier call with the same key created. */
  #repeated({ namespace, name, idempotencyKey }: CreateRequest): SandboxEntry | undefined {
    if (!idempotencyKey) return undefined;
    const entry = this.#registry.byIdempotencyKey(namespace, idempotencyKey);
    if (entry && name !== '' && entry.sandbox.name !== name)
      throw new FsbError('conflict', `the idempotency key was used for sandbox ${entry.sandbox.name}`, {
        hint: 'Use a new key for a new sandbox.',
      });
    return entry;
  }

  async #start(entry: SandboxEntry, imageDigest: string | undefined, signal?: AbortSignal): Promise<Sandbox> {
    const { id, namespace, name, spec } = entry.sandbox;
    entry.starting = new AbortController();
    let runs = false;
    const abort = signal ? AbortSignal.any([signal, entry.starting.signal]) : entry.starting.signal;
    try {
      // Strong: the record is durable before anything starts. Fast: it is written meanwhile; either way the answer
      // waits for it, so that a core that is killed after the answer finds the sandbox again.
      const recorded = entry.save();
      recorded.catch(noop);
      if (spec.consistency_mode === 'strong') await recorded;
      const request = { sandboxId: id, claimName: `${namespace}/${name}`, spec, imageDigest };
      const { warm, endpoints, startedAt, given } = await this.#agent.start(request, { signal: abort });
      runs = true;
      await recorded;
      // A deletion that came too late to stop the start has the sandbox now; Terminating is never left for Running.
      if (entry.deletion) throw deletedWhileStarting(name);
      const patch = { warm, endpoints, spec: { ...spec, ...given }, node: this.#agent.node };
      return this.#started(entry, startedAt, patch);
    } catch (thrown) {
      const error = FsbError.from(thrown);
      if (entry.deletion) await entry.deletion.gone;
      else if (failedStartCodes.has(error.code)) await this.#failed(entry, error);
      else {
        // Without a record nobody could find or end what runs.
        if (runs) await this.#agent.stop(id, 0).gone.then(() => this.#agent.forget(id));
        // A full disk may refuse that, too. What stays says why it is there, and can be deleted when there is room.
        await this.#registry.remove(entry).catch(() => this.#save(this.#failed(entry, error), entry));
      }
      throw error;
    } finally {
      entry.starting = undefined;
    }
  }

  #failed(entry: SandboxEntry, { message }: FsbError): Promise<void> {
    const now = this.#clock.now();
    return entry.enter({ phase: 'Failed', endedAt: now, reason: message }, now, message);
  }

  /** The record of this step need not be waited for: what is recorded says enough to find the way here again. */
  #started(entry: SandboxEntry, startedAt: number, patch: Partial<Sandbox>): Sandbox {
    const expiresAt = expiryOf(entry.sandbox.spec, startedAt);
    const served = patch.warm ? 'served by a warm instance' : 'served by a newly booted instance';
    if (entry.sandbox.state.phase === 'Pending')
      this.#save(entry.enter({ phase: 'Bound' }, startedAt, served, { ...patch, expiresAt }), entry);
    this.#save(entry.enter({ phase: 'Running', startedAt }, startedAt, 'started'), entry);
    const { sandbox } = entry;
    this.#expiry.set(sandbox.id, expiresAt);
    // The command may have ended before its start was reported: that report found no running sandbox.
    const early = this.#early.get(sandbox.id);
    this.#early.delete(sandbox.id);
    if (early) this.#apply(early);
    return sandbox;
  }

  /** Reports of ends that came before the start was known, by sandbox id. */
  readonly #early = new Map<string, AgentSandbox>();

  #apply(change: AgentSandbox): void {
    const entry = this.#registry.byId(change.sandboxId);
    if (!entry) return;
    if (entry.sandbox.state.phase === 'Pending' && entry.starting) {
      this.#early.set(change.sandboxId, change);
      return;
    }
    const next = phaseAfter(entry.sandbox.state, change.state, this.#clock.now());
    if (!next) return;
    this.#expiry.set(change.sandboxId, 0);
    this.#save(entry.enter(next.state, this.#clock.now(), next.message), entry);
  }

  #expire(id: string): void {
    const entry = this.#registry.byId(id);
    if (entry?.sandbox.state.phase !== 'Running') return;
    const now = this.#clock.now();
    this.#save(entry.enter({ phase: 'Expired', endedAt: now }, now, 'its time was up'), entry);
    this.#agent
      .stop(id, entry.sandbox.spec.grace_period)
      .gone.catch((error) =>
        this.#log.error({ err: error, sandbox: entry.sandbox.name }, 'cannot stop an expired sandbox'),
      );
  }

  /** From every phase, and once for all callers: the name is free at once, the rest follows. */
  #remove(entry: SandboxEntry, grace: number): NonNullable<SandboxEntry['deletion']> {
    const { id, state } = entry.sandbox;
    if (entry.deletion) {
      // A second caller may be less patient than the first; how it ends is told by the first one's promise.
      if (grace < entry.deletion.grace) {
        entry.deletion.grace = grace;
        this.#agent.stop(id, grace).gone.catch(noop);
      }
      return entry.deletion;
    }
    const now = this.#clock.now();
    const recorded =
      state.phase === 'Terminating'
        ? Promise.resolve()
        : entry.enter({ phase: 'Terminating', since: now }, now, 'deleted');
    this.#save(recorded, entry);
    this.#expiry.set(id, 0);
    this.#registry.releaseName(entry);
    entry.starting?.abort(deletedWhileStarting(entry.sandbox.name));
    const { gone } = this.#agent.stop(id, grace);
    const forgotten = gone.then(() => this.#agent.forget(id)).then(() => this.#registry.remove(entry));
    const deletion = { grace, recorded, gone: forgotten };
    entry.deletion = deletion;
    forgotten.catch(() => {
      if (entry.deletion === deletion) entry.deletion = undefined;
    });
    return deletion;
  }

  #save(saved: Promise<void>, { sandbox }: SandboxEntry): void {
    saved.catch((error) => this.#log.error({ err: error, sandbox: sandbox.name }, 'cannot write a record'));
  }
}

function requireRunning({ name, state: { phase } }: Sandbox): void {
  if (phase === 'Running') return;
  throw new FsbError('conflict', `sandbox ${name} is not running (${phase})`, {
    hint: `See why with: fsb-ctl get ${name}`,
  });
}

const deletedWhileStarting = (name: string): FsbError =>
  new FsbError('cancelled', `sandbox ${name} was deleted while it was starting`);

/** Wall clock milliseconds; 0: never. A ttl counts from the start of the command. */
function expiryOf({ ttl, expire_time }: Sandbox['spec'], startedAt: number): number {
  return ttl === undefined ? expire_time * 1000 : startedAt + ttl;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const noop = (): void => {};
