import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../api/agent-api.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import { refKey } from '../model/sandbox/sandbox.ts';
import { filesOf } from './left-files.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Registry } from './registry.ts';
import type { SandboxEntry } from './sandbox-entry.ts';

export interface ReconcileOptions {
  node: string;
  registry: Registry;
  agent: AgentApi;
  lifecycle: Lifecycle;
  /** Whether a sandbox without a record may have one that is set aside. */
  mayBeWanted: (id: string) => boolean;
  /** Wall clock, milliseconds. */
  now: number;
  log: Logger;
}

/** After a restart: what the records say against what the node has. One sandbox that fails does not keep the rest. */
export async function reconcile(all: AgentSandbox[], options: ReconcileOptions): Promise<void> {
  const { registry, agent, log, mayBeWanted } = options;
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
  for (const entry of entries)
    await settle(entry, reports.has(entry.sandbox.id), options).catch((error) =>
      failed(error, entry.sandbox.id),
    );
  failpoint('reconcile.settled');
  const unwanted = unwantedOf([...reports.keys()], entries, mayBeWanted);
  for (const id of unwanted) await discard(id, agent).catch((error) => failed(error, id));
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
  { node, lifecycle, now }: ReconcileOptions,
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
    learnLimits(entry, report, now);
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
 * Ends what was ending, or was never begun; tells of the rest. Nobody waits for an end that is tried again anyway: one that
 * cannot be destroyed would keep the core from answering.
 */
async function settle(
  entry: SandboxEntry,
  known: boolean,
  { agent, now, lifecycle }: ReconcileOptions,
): Promise<void> {
  const { id, state } = entry.sandbox;
  if (state.phase === 'Terminating') lifecycle.remove(entry, 0).gone.catch(() => {});
  else if (state.phase === 'Expired') void lifecycle.stopExpired(entry, id, 0);
  // The core ended between a change of the name and the word to the node.
  else if (state.phase === 'Running') await agent.rename(id, refKey(entry.sandbox));
  else if (state.phase === 'Pending' || state.phase === 'Bound') {
    const { generation, previous } = entry.sandbox;
    // A recreation goes on.
    if (previous?.lost !== undefined) return;
    await agent.stop(id, { grace: 0, keepFiles: true });
    const reason = `the core stopped while the sandbox was being ${generation === 1 ? 'created' : 'started'}`;
    // What the node knows of this generation, it has begun with the files; otherwise they are where they were.
    const begun = known || !previous?.files;
    await entry.enter(
      { phase: 'Failed', endedAt: now, reason },
      now,
      reason,
      begun ? { previous: undefined } : {},
    );
  }
}

/** Its record was not committed before the core ended, or is that of its next generation already. */
export async function discard(id: string, agent: AgentApi): Promise<void> {
  await agent.stop(id, { grace: 0, keepFiles: false });
  await agent.forget(id);
}
