import type {
  AttachRequest,
  CallOptions,
  CreateRequest,
  DeleteOptions,
  ExecRequest,
  ListQuery,
  SandboxApi,
} from '../../../src/core/api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../../../src/core/model/errors.ts';
import { assertName, newSandboxId, newSandboxName } from '../../../src/core/model/ids.ts';
import type { LogEntry, LogQuery } from '../../../src/core/model/logs.ts';
import type { ExitStatus, OutputChunk, ProcessSession } from '../../../src/core/model/process.ts';
import { refKey, type Sandbox, type SandboxRef } from '../../../src/core/model/sandbox.ts';
import { defaultResources } from '../../../src/core/model/shape.ts';
import { parseSpec } from '../../../src/core/model/spec.ts';
import { HostProcess } from './host-process.ts';
import { HostSession, notRunning } from './host-session.ts';
import { MemoryLog } from './memory-log.ts';

interface Running {
  record: Sandbox;
  process: HostProcess;
  log: MemoryLog;
  execs: HostProcess[];
}

export class HostSandboxes implements SandboxApi {
  readonly openSessions = new Set<HostSession>();
  readonly #sandboxes = new Map<string, Running>();
  readonly #images: readonly string[];

  constructor(images: readonly string[]) {
    this.#images = images;
  }

  async create({ namespace, name, spec }: CreateRequest): Promise<Sandbox> {
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
    const process = new HostProcess({
      argv: [...valid.command, ...valid.args],
      env: valid.envs,
      cwd: valid.working_dir,
      tty: valid.tty,
      stdin: valid.stdin,
    });
    const now = Date.now();
    const record: Sandbox = {
      ...{
        id: newSandboxId(),
        ...ref,
        generation: 1,
        spec: { ...valid, resources: { ...defaultResources, ...valid.resources } },
        node: 'here',
        endpoints: [],
        createdAt: now,
      },
      state: { phase: 'Running', startedAt: now },
      expiresAt: valid.ttl === undefined ? 0 : now + valid.ttl,
      warm: true,
      events: [{ time: now, message: 'started' }],
    };
    const log = new MemoryLog();
    // What it leaves behind goes with the sandbox.
    process.child.on('exit', () => process.signal(9));
    process.child.stdout.on('data', (data: Buffer) => log.append('stdout', data));
    process.child.stderr.on('data', (data: Buffer) => log.append('stderr', data));
    void process.exited.then((status) => {
      record.state = { phase: 'Exited', startedAt: now, endedAt: Date.now(), status };
      log.end();
    });
    this.#sandboxes.set(refKey(ref), { record, process, log, execs: [] });
    return structuredClone(record);
  }

  async get(ref: SandboxRef): Promise<Sandbox> {
    return structuredClone(this.#find(ref).record);
  }

  async list({ namespace, labels = {}, phases }: ListQuery): Promise<Sandbox[]> {
    return [...this.#sandboxes.values()]
      .map(({ record }) => structuredClone(record))
      .filter((record) => namespace === undefined || record.namespace === namespace)
      .filter((record) => Object.entries(labels).every(([key, value]) => record.spec.labels[key] === value))
      .filter((record) => phases === undefined || phases.includes(record.state.phase))
      .sort((a, b) => (refKey(a) < refKey(b) ? -1 : 1));
  }

  async delete(ref: SandboxRef, { grace }: DeleteOptions = {}): Promise<void> {
    const { process, record, execs } = this.#find(ref);
    process.signal(15, 'process');
    const timer = setTimeout(() => process.signal(9), grace ?? record.spec.grace_period);
    await process.exited;
    clearTimeout(timer);
    for (const exec of execs) exec.signal(9);
    this.#sandboxes.delete(refKey(ref));
  }

  async *logs(ref: SandboxRef, query: LogQuery, { signal }: CallOptions = {}): AsyncGenerator<LogEntry> {
    yield* this.#find(ref).log.read(query, signal);
  }

  async exec(ref: SandboxRef, request: ExecRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    const { record, execs } = this.#find(ref);
    throwIfAborted(signal);
    if (record.state.phase !== 'Running') throw notRunning(ref.name);
    const env = { ...record.spec.envs, ...request.env };
    const process = new HostProcess({ ...request, env });
    execs.push(process);
    return new HostSession(process, this.openSessions);
  }

  async attach(ref: SandboxRef, { replay, stdin }: AttachRequest): Promise<ProcessSession> {
    const { process, record, log } = this.#find(ref);
    if (!replay && record.state.phase !== 'Running') throw notRunning(ref.name);
    if (stdin && !record.spec.stdin)
      throw new FsbError('conflict', `the sandbox ${ref.name} was created without stdin`, {
        hint: 'Use stdin: true.',
      });
    return new AttachedSession(process, this.openSessions, log, replay);
  }

  async wait(ref: SandboxRef, { signal }: CallOptions = {}): Promise<ExitStatus> {
    const { process } = this.#find(ref);
    throwIfAborted(signal);
    const gone = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(FsbError.from(signal.reason)), { once: true });
    });
    return Promise.race([process.exited, gone]);
  }

  async close(): Promise<void> {
    const refs = [...this.#sandboxes.values()].map(({ record }) => record);
    await Promise.all(refs.map((ref) => this.delete(ref, { grace: 0 })));
  }

  #find(ref: SandboxRef): Running {
    const found = this.#sandboxes.get(refKey(ref));
    if (found !== undefined) return found;
    throw new FsbError('not_found', `there is no sandbox ${ref.name} in namespace ${ref.namespace}`, {
      hint: 'See `fsb-ctl list`.',
    });
  }
}

class AttachedSession extends HostSession {
  readonly #main: HostProcess;
  readonly #log: MemoryLog;
  readonly #replay: boolean;
  readonly #gone = new AbortController();

  constructor(process: HostProcess, open: Set<HostSession>, log: MemoryLog, replay: boolean) {
    super(process, open);
    this.#main = process;
    this.#log = log;
    this.#replay = replay;
  }

  override get output(): AsyncIterable<OutputChunk> {
    return this.#follow();
  }

  override signal(signal: number): void {
    this.#main.signal(signal, 'process');
  }

  override async close(): Promise<void> {
    this.#gone.abort();
    await super.close();
  }

  async *#follow(): AsyncGenerator<OutputChunk> {
    const from = this.#replay ? 0 : this.#log.entries.length;
    const next = { stdout: 0, stderr: 0 };
    let at = 0;
    try {
      for await (const { stream, data } of this.#log.read(everything, this.#gone.signal)) {
        const offset = next[stream];
        next[stream] += data.length;
        if (at++ >= from) yield { stream, offset, data };
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) throw error;
    }
  }
}

const everything: LogQuery = { follow: true, stdout: true, stderr: true };
