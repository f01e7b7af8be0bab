import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../api/agent-api.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError, failedStartCodes } from '../model/errors.ts';
import { Expiry } from '../model/expiry.ts';
import type { Sandbox } from '../model/sandbox.ts';
import { phaseAfter } from './outcome.ts';
import type { Registry } from './registry.ts';
import type { SandboxEntry } from './sandbox-entry.ts';

export interface LifecycleParts {
  agent: AgentApi;
  registry: Registry;
  clock: Clock;
  log: Logger;
}

/** The steps of a sandbox's life: its start, what the node reports of it, its expiry, its removal. */
export class Lifecycle {
  readonly #agent: AgentApi;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #expiry: Expiry;
  /** Reports of ends that came before the start was known, by sandbox id. */
  readonly #early = new Map<string, AgentSandbox>();

  constructor({ agent, registry, clock, log }: LifecycleParts) {
    this.#agent = agent;
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
    this.#expiry = new Expiry(clock, (id) => this.#expire(id));
  }

  /** Starts a new sandbox. What fails leaves a Failed record or none at all, by its code. @throws as AgentApi.start */
  async start(entry: SandboxEntry, signal?: AbortSignal): Promise<Sandbox> {
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
      const request = { sandboxId: id, claimName: `${namespace}/${name}`, spec };
      const { warm, endpoints, startedAt, given } = await this.#agent.start(request, { signal: abort });
      runs = true;
      await recorded;
      // A deletion that came too late to stop the start has the sandbox now; Terminating is never left for Running.
      if (entry.deletion) throw deletedWhileStarting(name);
      const patch = { warm, endpoints, spec: { ...spec, ...given }, node: this.#agent.node };
      return this.started(entry, startedAt, patch);
    } catch (thrown) {
      const error = FsbError.from(thrown);
      if (entry.deletion) await entry.deletion.gone;
      else if (failedStartCodes.has(error.code))
        await entry.enter(
          { phase: 'Failed', endedAt: this.#clock.now(), reason: error.message },
          this.#clock.now(),
          error.message,
        );
      else {
        // Without a record nobody could find or end what runs.
        if (runs)
          await this.#agent.stop(id, { grace: 0, keepFiles: false }).gone.then(() => this.#agent.forget(id));
        await this.#registry.remove(entry);
      }
      throw error;
    } finally {
      entry.starting = undefined;
    }
  }

  /** To Running. The record of this step need not be waited for: what is recorded says enough to find the way here again. */
  started(entry: SandboxEntry, startedAt: number, patch: Partial<Sandbox>): Sandbox {
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
    if (early) this.apply(early);
    return sandbox;
  }

  /** Believes what the node says of a sandbox. */
  apply(change: AgentSandbox): void {
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
      .stop(id, { grace: entry.sandbox.spec.grace_period, keepFiles: true })
      .gone.catch((error) =>
        this.#log.error({ err: error, sandbox: entry.sandbox.name }, 'cannot stop an expired sandbox'),
      );
  }

  /** From every phase, and once for all callers: the name is free at once, the rest follows. */
  remove(entry: SandboxEntry, grace: number): NonNullable<SandboxEntry['deletion']> {
    const { id, state } = entry.sandbox;
    if (entry.deletion) {
      // A second caller may be less patient than the first; how it ends is told by the first one's promise.
      if (grace < entry.deletion.grace) {
        entry.deletion.grace = grace;
        this.#agent.stop(id, { grace, keepFiles: false }).gone.catch(noop);
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
    const { gone } = this.#agent.stop(id, { grace, keepFiles: false });
    const forgotten = gone.then(() => this.#agent.forget(id)).then(() => this.#registry.remove(entry));
    const deletion = { grace, recorded, gone: forgotten };
    entry.deletion = deletion;
    forgotten.catch(() => {
      if (entry.deletion === deletion) entry.deletion = undefined;
    });
    return deletion;
  }

  /** After a restart of the core: an end that came while nobody looked is told by the timers at once. */
  resume(): void {
    for (const { sandbox } of this.#registry.entries())
      if (sandbox.state.phase === 'Running') this.#expiry.set(sandbox.id, sandbox.expiresAt);
  }

  /** No more expiry; the sandboxes live on. */
  close(): void {
    this.#expiry.close();
  }

  #save(saved: Promise<void>, { sandbox }: SandboxEntry): void {
    saved.catch((error) => this.#log.error({ err: error, sandbox: sandbox.name }, 'cannot write a record'));
  }
}

/** Wall clock milliseconds; 0: never. A ttl counts from the start of the command. */
function expiryOf({ ttl, expire_time }: Sandbox['spec'], startedAt: number): number {
  return ttl === undefined ? expire_time * 1000 : startedAt + ttl;
}

const deletedWhileStarting = (name: string): FsbError =>
  new FsbError('cancelled', `sandbox ${name} was deleted while it was starting`);

const noop = (): void => {};
