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
} from '../../../../src/core/api/sandbox-api.ts';
import { listed } from '../../../../src/core/controller/queries/listing.ts';
import { pageOf } from '../../../../src/core/controller/queries/pages.ts';
import { currentRevision, watchSandboxes } from '../../../../src/core/controller/queries/watching.ts';
import { happening } from '../../../../src/core/controller/records/happenings.ts';
import { EventLog } from '../../../../src/core/events/event-log.ts';
import { Turns } from '../../../../src/core/model/async/turns.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { FsbError, throwIfAborted } from '../../../../src/core/model/failure/errors.ts';
import { assertName, newSandboxId, newSandboxName, nothingNamed } from '../../../../src/core/model/ids.ts';
import type { LogEntry, LogQuery } from '../../../../src/core/model/logs.ts';
import {
  assertSignal,
  type ExitStatus,
  type ProcessSession,
  type TerminalSize,
} from '../../../../src/core/model/process.ts';
import {
  refKey,
  type Sandbox,
  type SandboxRef,
  type SandboxUsage,
} from '../../../../src/core/model/sandbox/sandbox.ts';
import { defaultResources } from '../../../../src/core/model/sandbox/shape.ts';
import { parseSpec } from '../../../../src/core/model/sandbox/spec.ts';
import { AttachedSession } from './attached-session.ts';
import { HostProcess } from './host-process.ts';
import { applyChange, assertAwake, begin, freeze, type Running } from './host-sandbox.ts';
import { HostSession, notRunning } from './host-session.ts';
import type { MemoryLog } from './memory-log.ts';

export class HostSandboxes implements SandboxApi {
  readonly openSessions = new Set<HostSession>();
  readonly #sandboxes = new Map<string, Running>();
  readonly #images: readonly string[];
  readonly #turns = new Turns();
  readonly #history = new EventLog(systemClock);

  constructor(images: readonly string[]) {
    this.#images = images;
  }

  async create({ namespace, name, spec, size }: CreateRequest): Promise<Sandbox> {
    const valid = parseSpec(spec);
    const ref = { namespace, name: name === '' ? newSandboxName() : name };
    assertName(ref.name, 'sandbox name');
    if (this.#sandboxes.has(refKey(ref)))
      throw new FsbError('already_exists', `cannot create sandbox ${ref.name}: the name is taken`, {
        hint: 'Choose another name, or delete it first.',
      });
    if (!this.#images.includes(valid.image))
      throw new FsbError(
        'image_not_found',
        `cannot start sandbox ${ref.name}: image ${valid.image} is not here`,
        {
          hint: 'Import it with `fsb-ctl image import`.',
        },
      );
    const record: Sandbox = {
      ...{ id: newSandboxId(), ...ref, generation: 1 },
      spec: { ...valid, resources: { ...defaultResources, ...valid.resources } },
      ...{ state: { phase: 'Pending' }, node: 'here', endpoints: [], createdAt: Date.now() },
      ...{ expiresAt: 0, warm: true, events: [] },
    };
    this.#begin(record, size);
    return this.get(ref);
  }

  async get(ref: SandboxRef): Promise<Sandbox> {
    return structuredClone(this.#find(ref).record);
  }

  async list(query: ListQuery): Promise<Sandbox[]> {
    return listed(this.#all(), query);
  }

  async page(query: PageQuery): Promise<SandboxPage> {
    const keyed = this.#all().map((sandbox) => ({ key: refKey(sandbox), sandbox }));
    return pageOf(keyed, query, currentRevision(this.#history));
  }

  watch(query: WatchQuery, options?: CallOptions): AsyncIterable<SandboxNews> {
    const present = {
      all: () => this.#all(),
      byId: (id: string) => this.#all().find((one) => one.id === id),
    };
    return watchSandboxes(this.#history, present, query, options);
  }

  async delete(ref: SandboxRef, { grace }: DeleteOptions = {}): Promise<void> {
    const { record } = this.#find(await this.stop(ref, { grace }));
    this.#sandboxes.delete(refKey(record));
    this.#tell(record);
  }

  async *logs(ref: SandboxRef, query: LogQuery, { signal }: CallOptions = {}): AsyncGenerator<LogEntry> {
    const { log, record } = this.#withId(ref, query.sandboxId) ?? this.#find(ref);
    yield* log.read({ ...query, sandboxId: record.id }, signal);
  }

  async exec(ref: SandboxRef, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    const { record, execs } = this.#find(ref);
    throwIfAborted(signal);
    assertAwake(record);
    const env = { ...record.spec.envs, ...request.env };
    const process = new HostProcess({ ...request, env });
    execs.push(process);
    return new HostSession(process, this.openSessions);
  }

  async attach(ref: SandboxRef, { replay, stdin, from }: AttachRequest): Promise<ProcessSession> {
    const { process, record, log } = this.#withId(ref, from?.sandboxId) ?? this.#find(ref);
    if (from !== undefined && from.sandboxId !== record.id)
      throw new FsbError('not_found', `another one is called ${ref.name} now`);
    if (from === undefined && (!replay || record.state.phase === 'Running')) assertAwake(record);
    if (stdin && !record.spec.stdin)
      throw new FsbError('conflict', `the sandbox ${ref.name} was created without stdin`, {
        hint: 'Use stdin: true.',
      });
    const begin = replay ? { stdout: 0, stderr: 0 } : log.ends;
    const takesInput = record.spec.stdin && process.child.stdin.writable;
    const place = { sandboxId: record.id, ...(from ?? begin), takesInput };
    return new AttachedSession(process, this.openSessions, log, place);
  }

  async wait(ref: SandboxRef, { signal }: CallOptions = {}): Promise<ExitStatus> {
    const { process } = this.#find(ref);
    throwIfAborted(signal);
    const gone = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(FsbError.from(signal.reason)), { once: true });
    });
    return Promise.race([process.exited, gone]);
  }

  async stop(ref: SandboxRef, { grace, stopSignal = 15 }: StopOptions = {}): Promise<Sandbox> {
    const { process, record, execs } = this.#find(ref);
    assertSignal(stopSignal);
    process.signal(stopSignal, 'process');
    process.signal(18);
    const timer = setTimeout(() => process.signal(9), grace ?? record.spec.grace_period);
    await process.exited;
    clearTimeout(timer);
    for (const exec of execs) exec.signal(9);
    return this.get(ref);
  }

  async start(ref: SandboxRef, { size }: StartOptions = {}): Promise<Sandbox> {
    const { record, log } = this.#find(ref);
    return record.state.phase === 'Running' ? this.get(ref) : this.#again(ref, size, log);
  }

  async #again(ref: SandboxRef, size?: TerminalSize, earlier?: MemoryLog): Promise<Sandbox> {
    const { record } = this.#find(ref);
    const next = { ...record, id: newSandboxId(), generation: record.generation + 1 };
    this.#tell(record);
    this.#begin(next, size, earlier);
    return this.get(ref);
  }

  async restart(ref: SandboxRef, options?: StopOptions): Promise<Sandbox> {
    return this.#inTurn(ref, async () => {
      await this.stop(ref, options);
      return this.start(ref);
    });
  }

  async reset(ref: SandboxRef, { revision, ...options }: ResetOptions = {}): Promise<Sandbox> {
    return this.#inTurn(ref, async () => {
      const { record } = this.#find(ref);
      if (revision && record.resetRevision === revision) return this.get(ref);
      await this.stop(ref, options);
      if (revision) record.resetRevision = revision;
      return this.#again(ref);
    });
  }

  async pause(ref: SandboxRef): Promise<Sandbox> {
    freeze(this.#find(ref), true);
    this.#tell(this.#find(ref).record);
    return this.get(ref);
  }

  async unpause(ref: SandboxRef): Promise<Sandbox> {
    freeze(this.#find(ref), false);
    this.#tell(this.#find(ref).record);
    return this.get(ref);
  }

  async signal(ref: SandboxRef, signal: number): Promise<void> {
    const { record, process } = this.#find(ref);
    assertSignal(signal);
    if (record.state.phase !== 'Running') throw notRunning(ref.name);
    process.signal(signal, 'process');
  }

  async rename(ref: SandboxRef, name: string): Promise<Sandbox> {
    const running = this.#find(ref);
    assertName(name, 'sandbox name');
    const renamed = { ...ref, name };
    if (this.#sandboxes.has(refKey(renamed)))
      throw new FsbError('already_exists', `the name ${name} is in use`, { hint: 'Choose another one.' });
    this.#sandboxes.delete(refKey(ref));
    running.record.name = name;
    this.#sandboxes.set(refKey(renamed), running);
    this.#tell(running.record);
    return this.get(renamed);
  }

  async update(ref: SandboxRef, change: SandboxChange): Promise<Sandbox> {
    const { record } = this.#find(ref);
    applyChange(record, change);
    this.#tell(record, 'updated');
    return this.get(ref);
  }

  async usage({ namespace, names }: UsageQuery): Promise<SandboxUsage[]> {
    for (const name of names ?? []) this.#find({ namespace: namespace ?? 'default', name });
    const running = await this.list({ namespace, phases: ['Running'] });
    return running
      .filter(({ name }) => names === undefined || names.includes(name))
      .map(({ id, namespace, name, spec }) => ({
        ...{ id, namespace, name, time: Date.now(), cpuMicros: 1000, memory: 1 << 20, pids: 1 },
        limits: { ...defaultResources, ...spec.resources },
      }));
  }

  #all(): Sandbox[] {
    return [...this.#sandboxes.values()].map(({ record }) => structuredClone(record));
  }

  #begin(record: Sandbox, size?: TerminalSize, earlier?: MemoryLog): void {
    const running = begin(record, size, earlier);
    this.#sandboxes.set(refKey(record), running);
    this.#tell(running.record);
    void running.process.exited.then(() => this.#tell(running.record));
  }

  /** For those who watch. */
  #tell(record: Sandbox, type: 'step' | 'updated' = 'step'): void {
    this.#history.append(happening(record, { type }));
  }

  #inTurn<T>(ref: SandboxRef, work: () => Promise<T>): Promise<T> {
    this.#find(ref);
    return this.#turns.take(refKey(ref), work);
  }

  async close(): Promise<void> {
    const refs = [...this.#sandboxes.values()].map(({ record }) => record);
    // Some may be on their way out already.
    const gone = (error: unknown): void => {
      if (FsbError.from(error).code !== 'not_found') throw error;
    };
    await Promise.all(refs.map((ref) => this.delete(ref, { grace: 0 }).catch(gone)));
  }

  #withId({ namespace }: SandboxRef, id: string | undefined): Running | undefined {
    return [...this.#sandboxes.values()].find(
      ({ record }) => record.id === id && record.namespace === namespace,
    );
  }

  #find(ref: SandboxRef): Running {
    const found = this.#sandboxes.get(refKey(ref)) ?? this.#withId(ref, ref.name);
    if (found !== undefined) return found;
    if (ref.name === '') throw nothingNamed('sandbox');
    throw new FsbError('not_found', `there is no sandbox ${ref.name} in namespace ${ref.namespace}`, {
      hint: 'See `fsb-ctl list`.',
    });
  }
}
