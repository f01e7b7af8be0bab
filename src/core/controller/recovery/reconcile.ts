import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../../api/agent-api.ts';
import { endsWithin } from '../../model/async/ends-within.ts';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { refKey } from '../../model/sandbox/sandbox.ts';
import { filesOf } from '../decide/left-files.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Operations } from '../lifecycle/operations.ts';
import type { Retries } from '../lifecycle/retries.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';

export interface ReconcileOptions {
  node: string;
  registry: Registry;
  agent: AgentApi;
  lifecycle: Lifecycle;
  /** Whether a sandbox without a record may have one that is set aside. */
  mayBeWanted: (id: string) => boolean;
  retries: Pick<Retries, 'begin'>;
  operations: Pick<Operations, 'byItself'>;
  clock: Clock;
  log: Logger;
}

/** Milliseconds that callers of the core wait for the end of what nobody wants: after that it goes on beside them. */
const PATIENCE = 1_000;
/** How many sandboxes the node is told the names of at a time: one after the other takes long where it is far away. */
const NAMES_AT_ONCE = 16;

/** After a restart: what the records say against what the node has. One sandbox that fails does not keep the rest. */
export async function reconcile(all: AgentSandbox[], options: ReconcileOptions): Promise<void> {
  const { registry, clock, log, mayBeWanted } = options;
  const reports = new Map(all.map((report) => [report.sandboxId, report]));
  const entries = registry.entries();
  const failed = (error: unknown, sandbox: string): void =>
    log.error({ err: error, sandbox }, 'cannot bring a sandbox in line with the node');
  // First, and without a pause, all that the node's answer decides: what ends from here on is reported by itself, and
  // an older answer must not come after that.
  for (const entry of entries) {
    try {
      believe(entry, reports.get(entry.sandbox.id), options);
    } catch (error) {
      failed(error, entry.sandbox.id);
    }
  }
  failpoint('reconcile.believed');
  // Before anything is ended: what that does to the records must not make it seem unwanted, and be ended twice.
  const unwanted = unwantedOf([...reports.keys()], entries, mayBeWanted);
  const ends: Promise<void>[] = [];
  const settled: Promise<void>[] = [];
  const names = new Turns(NAMES_AT_ONCE);
  for (const entry of entries) {
    const { id } = entry.sandbox;
    if (isUnbegun(entry)) ends.push(breakOff(entry, reports.has(id), options));
    else settled.push(settle(entry, names, options).catch((error) => failed(error, id)));
  }
  await Promise.all(settled);
  failpoint('reconcile.settled');
  ends.push(...unwanted.map((id) => discard(id, options)));
  if (ends.length > 0) await endsWithin(clock, PATIENCE, Promise.all(ends));
}

/** Of what the node has, what no record speaks of. A record that cannot be read is no record that there is none. */
export function unwantedOf(
  ids: readonly string[],
  entries: readonly SandboxEntry[],
  mayBeWanted: (id: string) => boolean,
): string[] {
  const wanted = new Set(entries.flatMap(({ sandbox }) => [sandbox.id, filesOf(sandbox) ?? []].flat()));
  return ids.filter((id) => !wanted.has(id) && !mayBeWanted(id));
}

function believe(
  entry: SandboxEntry,
  report: AgentSandbox | undefined,
  { node, lifecycle, clock }: ReconcileOptions,
): void {
  const { id, state } = entry.sandbox;
  if (state.phase === 'Pending' || state.phase === 'Bound') {
    // The core ended around the answer to a start: what the node has decides.
    const startedAt = report?.state.startedAt;
    if (!report || startedAt === undefined) return;
    const spec = { ...entry.sandbox.spec, ...report.given };
    lifecycle.started(entry, startedAt, { spec, node });
    lifecycle.apply(report);
  } else {
    learnLimits(entry, report, clock.now());
    lifecycle.apply(
      report ?? { sandboxId: id, state: { state: 'lost', reason: 'the node knows nothing of it' } },
    );
  }
}

/** The core ended between a change of the limits and its record. */
function learnLimits(entry: SandboxEntry, report: AgentSandbox | undefined, now: number): void {
  const { state, spec } = entry.sandbox;
  const resources = report?.given?.resources;
  if (state.phase !== 'Running' || !resources || isDeepStrictEqual(resources, spec.resources)) return;
  void entry.change({ spec: { ...spec, resources } }, now, 'updated: resources').catch(() => {});
}

/**
 * Ends what was ending; tells of the rest. Nobody waits for an end that is tried again anyway: one that cannot be destroyed
 * would keep the core from answering.
 */
async function settle(
  entry: SandboxEntry,
  names: Turns,
  { agent, lifecycle }: ReconcileOptions,
): Promise<void> {
  const { id, state } = entry.sandbox;
  if (state.phase === 'Terminating') lifecycle.remove(entry, 0).gone.catch(() => {});
  else if (state.phase === 'Expired') void lifecycle.stopExpired(entry, id, 0);
  // The core ended between a change of the name and the word to the node.
  else if (state.phase === 'Running') await names.take('', () => agent.rename(id, refKey(entry.sandbox)));
}

/** A recreation goes on. */
const isUnbegun = ({ sandbox: { state, previous } }: SandboxEntry): boolean =>
  (state.phase === 'Pending' || state.phase === 'Bound') && previous?.lost === undefined;

/**
 * One whose start nobody will answer any more. In its turn: whoever wants to start it again waits, and who deletes it does
 * not. That what is left of it cannot be ended keeps it from nothing: whatever follows ends that first. Never rejects.
 */
function breakOff(entry: SandboxEntry, known: boolean, options: ReconcileOptions): Promise<void> {
  const { agent, retries, operations, mayBeWanted, clock } = options;
  const { id, name, generation, previous } = entry.sandbox;
  const reason = `the core stopped while the sandbox was being ${generation === 1 ? 'created' : 'started'}`;
  // What the node knows of this generation, it has begun with the files; otherwise they are where they were.
  const begun = known || !previous?.files;
  const recorded = async (): Promise<void> => {
    // Again, what could not be written before.
    if (!isUnbegun(entry)) return entry.save();
    const endedAt = clock.now();
    const patch = begun ? { previous: undefined } : {};
    await entry.enter({ phase: 'Failed', endedAt, reason }, endedAt, reason, patch);
  };
  return retries.begin(entry.key, `end sandbox ${name}`, () =>
    operations.byItself(entry, async () => {
      if (entry.sandbox.id !== id) return;
      try {
        await agent.stop(id, { grace: 0, keepFiles: true });
      } finally {
        // Unless it was deleted meanwhile.
        if (entry.sandbox.state.phase !== 'Terminating') await recorded();
      }
      // Where no files were wanted of it, it went with all that no record wants.
      if (known && previous?.files && !mayBeWanted(previous.id)) await discard(previous.id, options);
    }),
  );
}

/** Its record was not committed before the core ended, or is that of its next generation already. Never rejects. */
export function discard(
  id: string,
  { agent, retries }: Pick<ReconcileOptions, 'agent' | 'retries'>,
): Promise<void> {
  return retries.begin(id, 'end what nobody wants', async () => {
    await agent.stop(id, { grace: 0, keepFiles: false });
    await agent.forget(id);
  });
}
