import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RETAINED_LOG_VERSION } from '../../../../../src/core/agent/logs/retained-logs.ts';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { segmentMagic } from '../../../../../src/core/logs/record.ts';
import { wholeLog } from '../../../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../../../src/core/model/sandbox/sandbox.ts';
import { encodeRecord } from '../../../../../src/core/store/record-table.ts';
import { eventually } from '../always.ts';
import { box, COLD, expectKept, find, go, logOf, makeRunning, removeSetAside, WAIT } from '../boxes.ts';
import { GOES } from '../outcomes.ts';
import { changeRecords } from '../records.ts';
import { scenario } from '../scenario.ts';

const MIB = 1024 * 1024;
const LINES = 600_000;

const removeRetained = async (api: CoreApi): Promise<void> =>
  api.system.removeLogs((await api.system.retainedLogs()).map(({ sandboxId }) => sandboxId));

const nothingRetained = (api: CoreApi): Promise<void> =>
  eventually(async () => {
    expect(await api.system.retainedLogs()).toEqual([]);
    const there = (await api.sandboxes.list({})).map(({ id }) => id);
    expect((await api.system.usage()).logs.map(({ sandboxId }) => sandboxId).sort()).toEqual(there.sort());
  });

/** Of a log that by its record takes all the room that there is for them. */
const OLDEST = {
  ...{ sandboxId: 's00000000000000ff', namespace: 'default', name: 'oldest', order: 1, size: 1024 ** 3 },
  ...{ deletedAt: Date.now(), retention: 3_600_000 },
};

/** The only file of the log of a sandbox that has written a line. */
const segmentOf = (root: string, { id }: Sandbox): string => join(root, 'state/logs', id, '00000001.log');

/** What else a core does that starts. */
const START = ['recover.', 'reconcile.', 'serve.', 'record.'];

/** What becomes of logs: they rotate, and outlive their sandbox for a while. */
export const logScenarios = [
  scenario({
    name: 'delete, when logs are retained',
    core: { ...COLD, logRetention: 3_600_000 },
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    becomes: GOES,
    ends: 'none',
    check: async (api) => {
      // Of one that is deleted, or is still to be.
      expect(await logOf(api)).toBe('begun\n');
    },
    tidy: removeRetained,
  }),
  scenario({
    name: 'system prune of a retained log',
    core: { ...COLD, logRetention: 3_600_000 },
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.delete(box, { grace: 0 });
    },
    act: removeRetained,
    outcome: async (api) => ((await api.system.retainedLogs()).length > 0 ? 'retained' : 'none'),
    becomes: { retained: ['record.'], none: ['record.retained-logs.committed', 'retain.'] },
    ends: 'none',
    tidy: removeRetained,
  }),
  scenario({
    name: 'delete, when the retained logs are more than there may be',
    // As in one that makes no room.
    besides: ['end.', 'return.', 'destroy.', 'record.sandboxes.', 'record.slots.', 'record.instances.'],
    core: { ...COLD, logRetention: 3_600_000 },
    prepare: async (api, root) => {
      await makeRunning(api);
      await mkdir(join(root, 'state/logs', OLDEST.sandboxId));
      await changeRecords(
        root,
        async (table) =>
          void (await table('retained-logs').put(
            OLDEST.sandboxId,
            encodeRecord(RETAINED_LOG_VERSION, OLDEST),
          )),
      );
    },
    restarted: true,
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    outcome: async (api) =>
      (await api.system.retainedLogs())
        .map(({ sandboxId }) => (sandboxId === OLDEST.sandboxId ? 'oldest' : 'box'))
        .join(),
    becomes: { oldest: ['delete.begun'], box: [''] },
    ends: 'box',
    check: async (api, _, __, root) => {
      if ((await find(api)) !== undefined) return;
      expect(await readdir(join(root, 'state/logs'))).not.toContain(OLDEST.sandboxId);
    },
    tidy: removeRetained,
  }),
  scenario({
    name: 'the end of a retained log',
    // As in a deletion.
    besides: [
      'delete.',
      'destroy.',
      'end.',
      'forget.',
      'record.sandboxes.',
      'record.slots.',
      'record.instances.',
    ],
    core: { ...COLD, logRetention: 300 },
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    ends: 'none',
    check: (api) => nothingRetained(api),
    tidy: (api) => nothingRetained(api),
  }),
  scenario({
    name: 'the end of a retained log while no core runs',
    // The core that was killed may not have been through with the instance.
    besides: ['destroy.', 'return.', 'trash.', 'record.instances.'],
    // So long that the core that is killed does not come to it.
    core: { ...COLD, logRetention: 2_000 },
    whileStarting: true,
    away: 2_000,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.delete(box, { grace: 0 });
    },
    ends: 'none',
    check: (api) => nothingRetained(api),
    tidy: (api) => nothingRetained(api),
  }),
  scenario({
    name: 'the start of a core on a log that ends with half a record',
    besides: START,
    core: COLD,
    whileStarting: true,
    prepare: async (api, root) => {
      const path = segmentOf(root, await makeRunning(api));
      const whole = await readFile(path);
      // As of a record of the same length, of which no more came to the disk.
      await writeFile(
        path,
        Buffer.concat([whole, whole.subarray(segmentMagic.length, segmentMagic.length + 10)]),
      );
    },
    ends: 'Running',
    check: async (api) => {
      expect(await logOf(api)).toBe('begun\n');
      await expectKept(api);
    },
  }),
  scenario({
    name: 'the start of a core on a log that is damaged',
    besides: START,
    core: COLD,
    whileStarting: true,
    prepare: async (api, root) => {
      await using file = await open(segmentOf(root, await makeRunning(api)), 'r+');
      await file.write('damaged', 0);
    },
    ends: 'Running',
    check: async (api) => {
      expect((await api.system.health()).setAside).toMatchObject([{ path: expect.stringContaining('logs') }]);
      await expectKept(api);
    },
    tidy: removeSetAside,
  }),
  scenario({
    name: 'the rotation of a log',
    besides: ['exec.', 'record.', 'end.', 'keep.', 'return.'],
    core: { ...COLD, logSize: 3 * MIB },
    // Its log is there, so that what follows is a rotation.
    prepare: (api) => makeRunning(api, {}, `${WAIT} exec seq -f 'line %.0f' 0 ${LINES - 1}`),
    act: async (api) => {
      await go(api);
      await api.sandboxes.wait(box);
    },
    ends: 'Exited',
    check: async (api) => {
      const all = `begun\n${Array.from({ length: LINES }, (_, n) => `line ${n}\n`).join('')}`;
      let [text, dropped] = ['', 0];
      for await (const entry of api.sandboxes.logs(box, wholeLog)) {
        // Only what is oldest may be missing, and how much that is, is told.
        if (entry.dropped) expect(text).toBe('');
        dropped += entry.dropped ?? 0;
        text += entry.data.toString();
      }
      expect(dropped + text.length).toBe(all.length);
      expect(all.endsWith(text)).toBe(true);
    },
  }),
];
