import type { AgentApi, AgentStopOptions } from '../../api/agent-api.ts';
import type { StartOptions } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { newSandboxId } from '../../model/ids.ts';
import type { TerminalSize } from '../../model/process.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { NEVER } from '../decide/expires.ts';
import { lostForGood } from '../decide/failure-policy.ts';
import { assertStays } from '../decide/requirements.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Starts } from './starts.ts';

/** How what runs is to end. */
export type Ending = Pick<AgentStopOptions, 'grace' | 'stopSignal'>;

export interface GenerationsParts {
  agent: AgentApi;
  registry: Registry;
  starts: Starts;
  clock: Clock;
}

/**
 * The end of a sandbox that stays, and its next generations. The order of the records, for a core that is killed:
 *
 * 1. The end is on the node's record, and on ours when it is reported. The files are kept, by a reset too: until its
 *    next generation is recorded, an ended sandbox is a whole one.
 * 2. One write makes the record the next generation's: Pending, a new id, and the generation before it.
 * 3. The node begins it, and with that takes over the files (start, restart). The answer, or its failure, is written
 *    together with the word that there is no generation before any more.
 * 4. The node forgets the generation before.
 *
 * Killed after 2, the next core has a Failed sandbox whose files are where they were, or goes on with a recreation; after
 * 3, whatever the node has; what no record refers to is forgotten.
 */
export class Generations {
  readonly #agent: AgentApi;
  readonly #registry: Registry;
  readonly #starts: Starts;
  readonly #clock: Clock;

  constructor({ agent, registry, starts, clock }: GenerationsParts) {
    this.#agent = agent;
    this.#registry = registry;
    this.#starts = starts;
    this.#clock = clock;
  }

  /** One that has ended is fine; one that is lost stays so. */
  async stop(entry: SandboxEntry, how: Ending): Promise<void> {
    const ran = entry.sandbox.state.phase === 'Running';
    await this.#end(entry, how);
    await this.#stayLost(entry);
    if (ran) entry.tell({ type: 'stopped' });
  }

  async #stayLost(entry: SandboxEntry): Promise<void> {
    const { state } = entry.sandbox;
    if (state.phase !== 'Lost' || state.recreateAt === undefined) return;
    await entry.change({ state: lostForGood(state) }, this.#clock.now(), 'stopped: it is not recreated');
  }

  /** Resolves when nothing of the instance is left; at once for one that is not there. */
  async #end(entry: SandboxEntry, how: Ending): Promise<void> {
    const ending = { grace: how.grace };
    entry.ending = ending;
    try {
      await this.#agent.stop(entry.sandbox.id, { ...how, keepFiles: true });
    } finally {
      entry.ending = undefined;
    }
    // The report of the end comes before that, unless this core is stopping: then nothing may follow.
    await entry.until(({ state }) => (state.phase === 'Running' ? undefined : true));
  }

  /** An end that is under way need not be more patient than the least patient of those who asked for it. */
  hurry({ ending, sandbox }: SandboxEntry, grace: number): void {
    if (!ending || ending.grace <= grace) return;
    ending.grace = grace;
    this.#agent.stop(sandbox.id, { grace, keepFiles: true }).catch(noop);
  }

  /** One that runs is fine. */
  async start(entry: SandboxEntry, size?: TerminalSize): Promise<void> {
    if (entry.sandbox.state.phase === 'Running') return;
    await this.#again(entry, { grace: entry.sandbox.spec.grace_period }, STARTED, { size });
  }

  async restart(entry: SandboxEntry, how: Ending): Promise<void> {
    await this.#again(entry, how, STARTED);
    entry.tell({ type: 'restarted' });
  }

  /** @param revision see ResetOptions; looked at in its turn: of two with the same one the first resets it */
  async reset(entry: SandboxEntry, how: Ending, revision?: string): Promise<void> {
    if (revision && revision === entry.sandbox.resetRevision) return;
    await this.#again(entry, how, { ...RESET, ...(revision && { revision }) });
    entry.tell({ type: 'reset' });
  }

  /**
   * What is lost begins anew from the image, as on another node it would have to.
   * @param signal the core is stopping: the next one goes on
   * @throws as AgentApi.start; it is Failed then, or, when nothing was begun, still Lost
   */
  async recreate(entry: SandboxEntry, signal: AbortSignal): Promise<void> {
    const { state } = entry.sandbox;
    if (state.phase !== 'Lost') return;
    failpoint('recreate.due');
    const message = `recreated: begun anew from the image, for it was lost: ${state.reason}`;
    await this.#again(entry, { grace: 0 }, { files: false, lost: state.reason, message }, { signal });
    entry.tell({ type: 'recreated' });
  }

  /** One that the last core had on record, and at most begun: what there is of it is of no use to anybody. */
  async finishRecreation(entry: SandboxEntry, signal: AbortSignal): Promise<void> {
    const { id } = entry.sandbox;
    await this.#agent.stop(id, { grace: 0, keepFiles: false });
    await this.#starts.forget({ id });
    failpoint('recreate.cleared');
    throwIfAborted(signal);
    await this.#starts.start(entry, Promise.resolve(), { signal });
    entry.tell({ type: 'recreated' });
  }

  async #again(
    entry: SandboxEntry,
    how: Ending,
    { message, revision, ...from }: Origin,
    { size, signal }: StartOptions = {},
  ): Promise<void> {
    assertTimeLeft(entry.sandbox, this.#clock.now());
    // Also of one that ended long ago: its instance may still be on its way out.
    await this.#end(entry, how);
    failpoint('again.ended');
    await this.#starts.settle(entry);
    throwIfAborted(signal);
    assertStays(entry.sandbox);
    const { id, earlierIds = [], generation, previous, recreated = 0 } = entry.sandbox;
    const next = {
      id: newSandboxId(),
      earlierIds: stillKnown([...earlierIds, id]),
      generation: generation + 1,
      previous: { id: previous?.id ?? id, ...from },
      recreated: from.lost === undefined ? undefined : recreated + 1,
      ...{ node: '', endpoints: [], ...NEVER, warm: undefined },
      ...(revision && { resetRevision: revision }),
    };
    await this.#registry.renew(entry, next, this.#clock.now(), message);
    failpoint('again.renewed');
    if (next.previous.id !== id) await this.#starts.forget({ id });
    await this.#starts.start(entry, Promise.resolve(), { size, signal });
    failpoint('again.started');
  }
}

/** The first one, which is what scripts have written down, and the last so many: some sandboxes restart without end. */
const EARLIER_IDS = 32;
const stillKnown = (ids: string[]): string[] =>
  ids.length > EARLIER_IDS + 1 ? [ids[0]!, ...ids.slice(-EARLIER_IDS)] : ids;

/** What a next generation begins with, in words for people, too. */
type Origin = Omit<NonNullable<Sandbox['previous']>, 'id'> & { message: string; revision?: string };

const STARTED: Origin = { files: true, message: 'started again, with its files' };
const RESET: Origin = { files: false, message: 'reset: begun anew from the image' };

/** @throws conflict: it would expire at once */
function assertTimeLeft({ name, spec }: Sandbox, now: number): void {
  const { ttl, expire_time } = spec;
  if (ttl !== undefined || expire_time === 0 || expire_time * 1000 > now) return;
  throw new FsbError('conflict', `sandbox ${name} cannot be started: its expire time is over`, {
    hint: `Give it time first with: fsb-ctl update ${name} --ttl 1h, or --ttl none`,
  });
}
