import type { Logger } from 'pino';
import type { AgentApi } from '../api/agent-api.ts';
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
import { FsbError } from '../model/errors.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ExitStatus, ProcessSession } from '../model/process.ts';
import type { Sandbox, SandboxRef } from '../model/sandbox.ts';
import type { RecordTable } from '../store/store.ts';
import { Lifecycle } from './lifecycle.ts';
import { newSandbox } from './new-sandbox.ts';
import { statusOf } from './outcome.ts';
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
  readonly #lifecycle: Lifecycle;
  readonly #unwatch: () => void;

  constructor({ agent, sandboxes, clock, log }: ControllerOptions) {
    this.#agent = agent;
    this.#clock = clock;
    this.#log = log;
    this.#registry = new Registry(sandboxes);
    this.#lifecycle = new Lifecycle({ agent, registry: this.#registry, clock, log });
    this.#unwatch = agent.watch((report) => this.#lifecycle.apply(report));
  }

  /** Brings the records in line with what the node really has; before the first call is answered. */
  async recover(): Promise<void> {
    await reconcile({
      registry: this.#registry,
      agent: this.#agent,
      lifecycle: this.#lifecycle,
      now: this.#clock.now(),
      log: this.#log,
    });
    this.#lifecycle.resume();
  }

  async create(request: CreateRequest, { signal }: CallOptions = {}): Promise<Sandbox> {
    const repeated = this.#repeated(request);
    if (repeated) return repeated.start ? abortable(repeated.start, signal) : repeated.sandbox;
    const entry = this.#registry.add(newSandbox(request, this.#clock.now()));
    entry.start = this.#lifecycle.start(entry, signal).finally(() => {
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
    const { recorded, gone } = this.#lifecycle.remove(entry, grace ?? entry.sandbox.spec.grace_period);
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
    this.#lifecycle.close();
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
}

function requireRunning({ name, state: { phase } }: Sandbox): void {
  if (phase === 'Running') return;
  throw new FsbError('conflict', `sandbox ${name} is not running (${phase})`, {
    hint: `See why with: fsb-ctl get ${name}`,
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
