import type { Logger } from 'pino';
import type { AgentApi, StartRequest } from '../../api/agent-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, failedStartCodes, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { refKey, type Sandbox } from '../../model/sandbox/sandbox.ts';
import { notRecreated } from '../decide/failure-policy.ts';
import { filesOf } from '../decide/left-files.ts';
import { deletedWhileStarting, statusOfFailedStart } from '../decide/phase-after.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Lifecycle, LifecycleParts } from './lifecycle.ts';
import type { Retries } from './retries.ts';

export interface StartsParts extends LifecycleParts {
  lifecycle: Lifecycle;
}

/** What its caller says of this one start. */
type FirstTerms = Pick<StartRequest, 'imageDigest' | 'awaited' | 'size'>;

/** The start of every generation of a sandbox. */
export class Starts {
  readonly #agent: AgentApi;
  readonly #registry: Registry;
  readonly #retries: Retries;
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor({ agent, registry, retries, lifecycle, clock, log }: StartsParts) {
    this.#agent = agent;
    this.#registry = registry;
    this.#retries = retries;
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Starts a pending sandbox.
   * @param recorded that it is pending
   * @throws as AgentApi.start; then it is Failed, or, for a new one and by the code, gone
   */
  async start(
    entry: SandboxEntry,
    recorded: Promise<void>,
    { imageDigest, awaited, size, signal }: FirstTerms & CallOptions = {},
  ): Promise<Sandbox> {
    const { id, name, spec, previous } = entry.sandbox;
    recorded.catch(noop);
    entry.starting = new AbortController();
    let runs = false;
    const abort = signal ? AbortSignal.any([signal, entry.starting.signal]) : entry.starting.signal;
    try {
      if (isLeaving(entry)) throw deletedWhileStarting(name);
      // Strong: the record is durable before anything starts. Fast: it is written meanwhile; either way the answer
      // waits for it, so that a core that is killed after the answer finds the sandbox again.
      if (spec.consistency_mode === 'strong') await recorded;
      const request = {
        ...{ sandboxId: id, claimName: refKey(entry.sandbox), spec, imageDigest },
        filesOf: filesOf(entry.sandbox),
        ...(awaited && { awaited }),
        ...(size && { size }),
      };
      const asked = this.#clock.monotonic();
      const { node, warm, endpoints, startedAt, given } = await this.#agent.start(request, { signal: abort });
      runs = true;
      failpoint('start.answered');
      await recorded;
      // A deletion that came too late to stop the start has the sandbox now; Terminating is never left for Running.
      if (isLeaving(entry)) throw deletedWhileStarting(name);
      // Nobody is left who could be told of it.
      throwIfAborted(signal);
      const patch = { warm, endpoints, spec: { ...spec, ...given }, node };
      const sandbox = this.#lifecycle.started(entry, startedAt, patch, asked);
      await this.forget(previous);
      return sandbox;
    } catch (thrown) {
      // Whatever a start that was broken off says of itself, its record would be read by nobody.
      const error = FsbError.from(signal?.aborted ? signal.reason : thrown);
      // A recreation is left to the next core when this one is stopping.
      if (previous?.lost === undefined || !signal?.aborted)
        await this.#failed(entry, error, runs).catch((err) =>
          // What goes wrong after it must not hide it: the caller can do something about the first only.
          this.#log.error({ err, sandbox: name }, 'cannot settle a start that failed'),
        );
      throw error;
    } finally {
      entry.starting = undefined;
    }
  }

  async #failed(entry: SandboxEntry, error: FsbError, runs: boolean): Promise<void> {
    const { id, generation } = entry.sandbox;
    // One that fails tells of itself.
    if (isLeaving(entry)) return entry.deletion?.gone.catch(noop);
    // A later generation has files, and its user a sandbox: no failure takes them away.
    if (generation > 1 || failedStartCodes.has(error.code)) {
      entry.failedStart = error;
      return this.#settleSoon(entry);
    }
    try {
      // Without a record nobody could find or end what runs.
      if (runs) await this.#takeBack(id);
      await this.#registry.remove(entry, `it could not be created: ${error.message}`);
    } catch {
      // The node may refuse that, or a full disk. What stays says why it is there, and can be deleted when there is room.
      if (isLeaving(entry)) return;
      await this.#enterFailed(entry, error);
    }
  }

  /** A start that failed: at once, or when the node says how far it came. Until then it is Pending. */
  async #settleSoon(entry: SandboxEntry): Promise<void> {
    const { id, name } = entry.sandbox;
    const key = `settle/${id}`;
    try {
      await this.settle(entry);
      this.#retries.succeeded(key);
    } catch (error) {
      const again = (): void => void this.#settleSoon(entry);
      this.#retries.failed(key, `settle the failed start of sandbox ${name}`, error, again);
    }
  }

  /** One whose start has failed is Failed then, if it is not yet. @throws as AgentApi.sandboxes */
  async settle(entry: SandboxEntry): Promise<void> {
    const { failedStart } = entry;
    if (failedStart === undefined || isLeaving(entry)) return;
    const { id, previous } = entry.sandbox;
    const kept = previous?.files && !(await this.#hasBegun(id)) ? previous : undefined;
    // Another try may have been faster, or a deletion.
    if (entry.failedStart !== failedStart || isLeaving(entry)) return;
    entry.failedStart = undefined;
    await this.#enterFailed(entry, failedStart, kept);
    if (!kept) await this.forget(previous);
  }

  /** Nothing of it stays on the node: if need be, later. @throws why not yet */
  async #takeBack(id: string): Promise<void> {
    const key = `take-back/${id}`;
    try {
      await this.#agent.stop(id, { grace: 0, keepFiles: false });
      await this.#agent.forget(id);
      this.#retries.succeeded(key);
    } catch (error) {
      const again = (): void => void this.#takeBack(id).catch(noop);
      this.#retries.failed(key, 'take back what could not be created', error, again);
      throw error;
    }
  }

  /** Also when that cannot be written: the next core finds out for itself. */
  async #enterFailed(entry: SandboxEntry, error: FsbError, previous?: Sandbox['previous']): Promise<void> {
    const now = this.#clock.now();
    const lost = entry.sandbox.previous?.lost;
    const reason = lost === undefined ? error.message : notRecreated(lost, error.message);
    const status = statusOfFailedStart(error);
    const state = { phase: 'Failed' as const, endedAt: now, reason, ...(status && { status }) };
    await entry
      .enter(state, now, reason, { previous })
      .catch((err) => this.#log.error({ err, sandbox: entry.sandbox.name }, 'cannot write a record'));
  }

  /** Else it has not taken over the files of the one before. */
  async #hasBegun(id: string): Promise<boolean> {
    return (await this.#agent.sandboxes()).some(({ sandboxId }) => sandboxId === id);
  }

  /** What is left of a generation that nothing refers to any more: if need be, later. */
  async forget(generation: { id: string } | undefined): Promise<void> {
    if (!generation) return;
    const { id } = generation;
    // Of its own: that its sandbox is deleted does not do it.
    const key = `forget/${id}`;
    await this.#agent.forget(id).then(
      () => this.#retries.succeeded(key),
      (error) => this.#retries.failed(key, 'forget a generation', error, () => void this.forget(generation)),
    );
  }
}

const isLeaving = ({ sandbox }: SandboxEntry): boolean => sandbox.state.phase === 'Terminating';
