import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../../api/agent-api.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { Expiry } from '../../model/expiry.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { beganAt, deadlineOf, expiresOf, NEVER } from '../decide/expires.ts';
import { lostFor, lostSince, lostText, recreatedInARow, recreationOf } from '../decide/failure-policy.ts';
import { logIdsOf } from '../decide/left-files.ts';
import { deletedWhileStarting, endOf, phaseAfter } from '../decide/phase-after.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Retries } from './retries.ts';

export interface LifecycleParts {
  agent: AgentApi;
  registry: Registry;
  retries: Retries;
  clock: Clock;
  log: Logger;
}

export interface LifecycleOptions extends LifecycleParts {
  /** The time has come to recreate a lost one. */
  recreate: (entry: SandboxEntry) => void;
}

/** The steps of a sandbox's life: what the node reports of it, from the start to the end, its expiry, its removal. */
export class Lifecycle {
  readonly #agent: AgentApi;
  readonly #registry: Registry;
  readonly #retries: Retries;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #expiry: Expiry;
  readonly #recreation: Expiry;

  constructor({ agent, registry, retries, clock, log, recreate }: LifecycleOptions) {
    this.#agent = agent;
    this.#registry = registry;
    this.#retries = retries;
    this.#clock = clock;
    this.#log = log;
    this.#expiry = new Expiry(clock, (id) => this.#expire(id));
    this.#recreation = new Expiry(clock, (id) => {
      const entry = registry.byId(id);
      if (entry) recreate(entry);
    });
  }

  /**
   * To Running. The record of this step need not be waited for: what is recorded says enough to find the way here again.
   * @param asked when it was asked for, on the monotonic clock; left out: by an earlier core
   */
  started(entry: SandboxEntry, startedAt: number, patch: Partial<Sandbox>, asked?: number): Sandbox {
    const began = beganAt(startedAt, this.#clock, asked);
    const times = { began, ...expiresOf(entry.sandbox.spec, { startedAt, began }) };
    const served = patch.warm ? 'served by a warm instance' : 'served by a newly booted instance';
    if (entry.sandbox.state.phase === 'Pending')
      this.#save(
        entry.enter({ phase: 'Bound' }, startedAt, served, { ...patch, ...times, previous: undefined }),
        entry,
      );
    this.#save(entry.enter({ phase: 'Running', startedAt }, startedAt, 'started'), entry);
    const { sandbox } = entry;
    this.follow(sandbox);
    // The command may have ended before its start was reported: that report found no running sandbox.
    const { early } = entry;
    entry.early = undefined;
    if (early?.sandboxId === sandbox.id) this.apply(early);
    return sandbox;
  }

  /** Believes what the node says of a sandbox. */
  apply(change: AgentSandbox): void {
    const entry = this.#registry.byId(change.sandboxId);
    if (!entry) return;
    if (entry.sandbox.state.phase === 'Pending' && entry.starting) {
      entry.early = change;
      return;
    }
    const now = this.#clock.now();
    const next = phaseAfter(entry.sandbox.state, change.state, now);
    if (!next) return;
    if (next.state.phase === 'Terminating') {
      entry.learn(next.state);
      return;
    }
    const { spec } = entry.sandbox;
    let { state, message } = next;
    let patch: Partial<Sandbox> = state.phase === 'Running' ? {} : NEVER;
    if (state.phase === 'Lost') {
      const recreated = recreatedInARow(entry.sandbox, this.#clock.monotonic());
      state = lostFor(state, spec, this.#clock, recreated);
      message = lostText(state, spec, recreated);
      patch = { ...patch, recreated: recreated || undefined };
    }
    this.#save(entry.enter(state, now, message, patch), entry);
    this.follow(entry.sandbox);
  }

  #expire(id: string): void {
    const entry = this.#registry.byId(id);
    if (entry?.sandbox.state.phase !== 'Running') return;
    const now = this.#clock.now();
    const recorded = entry.enter({ phase: 'Expired', endedAt: now }, now, 'its time was up');
    this.#save(recorded, entry);
    // After the record: a core that is killed in between would take the end for the command's own.
    recorded.catch(noop).then(() => {
      failpoint('expire.recorded');
      return this.stopExpired(entry, id, entry.sandbox.spec.grace_period);
    });
  }

  /** Tried again until it has stopped, or whoever deletes it or starts it again sees to that. Never rejects. */
  async stopExpired(entry: SandboxEntry, id: string, grace: number): Promise<void> {
    const isExpired = (): boolean => entry.sandbox.id === id && entry.sandbox.state.phase === 'Expired';
    const { name } = entry.sandbox;
    try {
      if (isExpired()) await this.#agent.stop(id, { grace, keepFiles: true });
    } catch (error) {
      const again = (): void => void this.stopExpired(entry, id, grace);
      if (isExpired()) return this.#retries.failed(entry.key, `stop expired sandbox ${name}`, error, again);
    }
    // Else it is the deletion that is tried again, and says so itself.
    if (entry.sandbox.state.phase !== 'Terminating') this.#retries.succeeded(entry.key);
  }

  /**
   * From every phase, and once for all callers: the name is free at once, the rest follows. One that fails is tried again,
   * by the next caller or in a while.
   */
  remove(entry: SandboxEntry, grace: number): NonNullable<SandboxEntry['deletion']> {
    const { id, state } = entry.sandbox;
    if (entry.deletion) {
      // A second caller may be less patient than the first; how it ends is told by the first one's promise.
      if (grace < entry.deletion.grace) {
        entry.deletion.grace = grace;
        this.#agent.stop(id, { grace, keepFiles: false }).catch(noop);
      }
      return entry.deletion;
    }
    const now = this.#clock.now();
    // Also of one that is Terminating already: that may be what could not be written.
    const recorded =
      state.phase === 'Terminating'
        ? entry.save()
        : entry.enter({ phase: 'Terminating', since: now, ...endOf(state) }, now, 'deleted');
    this.#save(recorded, entry);
    this.follow(entry.sandbox);
    this.#registry.releaseName(entry);
    entry.starting?.abort(deletedWhileStarting(entry.sandbox.name));
    const deletion = { grace, recorded, gone: this.#remove(entry, grace, recorded) };
    entry.deletion = deletion;
    deletion.gone.then(
      () => this.#retries.succeeded(entry.key),
      (error) => {
        if (entry.deletion === deletion) entry.deletion = undefined;
        const again = (): void => void this.remove(entry, deletion.grace).gone.catch(noop);
        this.#retries.failed(entry.key, `delete sandbox ${entry.sandbox.name}`, error, again);
      },
    );
    return deletion;
  }

  async #remove(entry: SandboxEntry, grace: number, recorded: Promise<void>): Promise<void> {
    const { id, namespace, name, previous } = entry.sandbox;
    const logIds = logIdsOf(entry.sandbox);
    const all = (previous ? [id, previous.id] : [id]).map(async (one) => {
      failpoint('delete.begun');
      await this.#agent.stop(one, { grace, keepFiles: false });
      failpoint('delete.stopped');
      // A core that is killed before would find it again, and must find its files, too. On a full disk it goes all the same.
      await recorded.catch(noop);
      await this.#agent.forget(one, logIds.includes(one) ? { logOf: { namespace, name } } : {});
      failpoint('delete.forgotten');
    });
    await Promise.all(all);
    await this.#registry.remove(entry, 'it was deleted');
  }

  /** It ends, or is recreated, when its record says. */
  follow(sandbox: Sandbox): void {
    const { id, state } = sandbox;
    this.#expiry.set(id, state.phase === 'Running' ? deadlineOf(sandbox) : undefined);
    this.#recreation.set(id, recreationOf(state));
  }

  /** After a restart of the core: an end that came while nobody looked is told by the timers at once. */
  resume(): void {
    for (const entry of this.#registry.entries()) {
      this.#waitAnew(entry);
      if (['Running', 'Lost'].includes(entry.sandbox.state.phase)) this.follow(entry.sandbox);
    }
  }

  #waitAnew(entry: SandboxEntry): void {
    const { state, spec, recreated } = entry.sandbox;
    const lost = state.phase === 'Lost' ? lostSince(state, spec, this.#clock, recreated) : undefined;
    if (lost)
      this.#save(
        entry.change({ state: lost }, this.#clock.now(), 'the machine has booted: it waits anew'),
        entry,
      );
  }

  /** No timer is left, nor set by a start that is under way; the sandboxes live on. */
  close(): void {
    this.#expiry.close();
    this.#recreation.close();
  }

  /** What could not be written is written later: it has happened. A deletion, which is tried again as a whole, writes its own. */
  #save(saved: Promise<void>, entry: SandboxEntry): void {
    const { name } = entry.sandbox;
    const isDeleted = (): boolean => entry.sandbox.state.phase === 'Terminating';
    const write = async (): Promise<void> => {
      if (!isDeleted() && !entry.gone) await entry.save();
    };
    saved.catch((error) => {
      if (isDeleted()) return this.#log.error({ err: error, sandbox: name }, 'cannot write a record');
      const [key, what] = [`record/${entry.key}`, `write the record of sandbox ${name}`];
      this.#retries.failed(key, what, error, () => void this.#retries.begin(key, what, write));
    });
  }
}
