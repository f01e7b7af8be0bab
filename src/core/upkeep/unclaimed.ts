import { join } from 'node:path';
import type { KeptFiles } from '../agent/ledger/kept-files.ts';
import type { SlotRecord } from '../agent/ledger/records.ts';
import type { RetainedLogs } from '../agent/logs/retained-logs.ts';
import type { Doubt } from '../agent/recovery/doubt.ts';
import type { Unsettled } from '../agent/recovery/unsettled.ts';
import type { AgentApi } from '../api/agent-api.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { Sandbox } from '../model/sandbox/sandbox.ts';
import type { SetAside } from '../model/system.ts';
import type { RecordTable } from '../store/store.ts';
import { fileSizes, namesIn } from './file-sizes.ts';

/** What it takes to know what only a record that is set aside may want. */
export interface UnclaimedGround {
  state: string;
  /** Directory of what is written in instances. */
  instances: string;
  agent: Pick<AgentApi, 'stop' | 'forget'>;
  sandboxes: Pick<RecordTable<Sandbox>, 'entries'>;
  slots: Pick<RecordTable<SlotRecord>, 'entries' | 'get'>;
  files: Pick<KeptFiles, 'entries'>;
  retained: Pick<RetainedLogs, 'get'>;
  unsettled: Pick<Unsettled, 'list' | 'unclaimed' | 'remove'>;
  doubt: Pick<Doubt, 'sandbox'>;
  destroy: (instance: string) => Promise<void>;
}

interface Unclaimed {
  /** Those that no sandbox has; one that is only out of reach for now is none of them. */
  instances: string[];
  /** Of the node, and of nobody else. */
  sandboxIds: string[];
}

async function findUnclaimed(ground: UnclaimedGround): Promise<Unclaimed> {
  const { sandboxes, slots, files, retained, unsettled, doubt, state } = ground;
  const known = [
    ...[...slots.entries()].map(([sandboxId]) => sandboxId),
    ...files.entries().map(([, sandboxId]) => sandboxId),
    ...unsettled.list().flatMap(({ sandboxId }) => sandboxId ?? []),
    ...(await namesIn(join(state, 'logs'))),
  ];
  const doubtful = [...new Set(known)].filter((id) => retained.get(id) === undefined && doubt.sandbox(id));
  // Reading all records takes its time, and mostly nothing is set aside.
  const records = doubtful.length === 0 ? [] : [...sandboxes.entries()];
  const claimed = new Set(records.flatMap(([, { id, previous }]) => [id, previous?.id]));
  return {
    instances: unsettled.unclaimed(),
    sandboxIds: doubtful.filter((id) => !claimed.has(id)).sort(),
  };
}

/** Where the files of an instance, and the log of a sandbox are; of one that has none, where it would be. */
export async function unclaimed(ground: UnclaimedGround): Promise<SetAside[]> {
  return placesOf(await findUnclaimed(ground), ground);
}

async function placesOf({ instances, sandboxIds }: Unclaimed, ground: UnclaimedGround): Promise<SetAside[]> {
  const { slots, state } = ground;
  const theirs = sandboxIds.flatMap((id) => slots.get(id)?.instance ?? []);
  const paths = [
    ...[...instances, ...theirs].map((id) => join(ground.instances, id)),
    ...sandboxIds.map((id) => join(state, 'logs', id)),
  ];
  return Promise.all(paths.map(async (path) => ({ path, size: await fileSizes(path) })));
}

/** Ends what runs of it. @returns what was there */
export async function removeUnclaimed(ground: UnclaimedGround): Promise<SetAside[]> {
  const found = await findUnclaimed(ground);
  const places = await placesOf(found, ground);
  for (const id of found.instances) {
    await ground.unsettled.remove(id, ground.destroy);
    failpoint('set-aside.destroyed');
  }
  for (const id of found.sandboxIds) {
    await ground.agent.stop(id, { grace: 0, keepFiles: false });
    failpoint('set-aside.stopped');
    await ground.agent.forget(id);
  }
  return places;
}
