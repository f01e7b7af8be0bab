import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import { eventually } from './always.ts';
import { box, COLD, logOf, make, makeRunning, RUNNING } from './boxes.ts';
import { type Scenario, scenario } from './scenario.ts';
import { request, said } from './sessions.ts';

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

/**
 * How a sandbox comes. Its own record is written while it starts, those of the node before the answer: until they are all
 * there, one or the other may be on its way to the disk.
 */
const BEGINS: Scenario['becomes'] = {
  none: ['record.sandboxes.begun', ...['start.', 'boot.', 'rotate.', 'record.instances.']],
  Failed: [
    ...['start.', 'boot.', 'rotate.'],
    'record.sandboxes.committed',
    'record.slots.',
    'record.instances.',
  ],
  Running: [
    ...[
      'start.spawned',
      'start.recorded',
      'start.answered',
      'record.slots.committed',
      'record.instances.committed',
    ],
    ...['record.sandboxes.begun#2', 'record.sandboxes.committed#2'],
  ],
};

/** The record that it goes is on its way to the disk: until it is there, it may be that it only stops. */
const GOING = ['end.seen', 'end.drained', 'end.logged', 'record.slots.begun'];

/** How one that runs goes: once its record says so, nothing brings it back. */
const GOES: Scenario['becomes'] = {
  Exited: GOING,
  Running: ['record.sandboxes.begun', 'delete.begun'],
  none: [
    ...GOING,
    'delete.begun',
    'delete.',
    'end.',
    'return.',
    'destroy.',
    'forget.',
    'retain.',
    'trash.',
    'record.',
  ],
};

/** The life of a sandbox, from its creation to its deletion. */
export const sandboxScenarios = [
  scenario({
    name: 'run',
    covers: ['start.', 'record.sandboxes.', 'record.sandboxes.begun#2', 'record.slots.', 'record.instances.'],
    act: (api) => make(api, RUNNING),
    becomes: BEGINS,
    ends: 'Running',
  }),
  scenario({
    name: 'run on a pool that is empty',
    covers: ['boot.'],
    core: COLD,
    act: (api) => make(api, RUNNING),
    becomes: BEGINS,
    ends: 'Running',
  }),
  scenario({
    name: 'the refill after a run',
    covers: ['boot.'],
    besides: ['start.', 'record.'],
    core: { pool: { capacity: { max: 8 } } },
    act: (api) => make(api, RUNNING),
    ends: 'Running',
  }),
  scenario({
    name: 'the end of a command',
    covers: ['end.', 'keep.'],
    core: COLD,
    prepare: (api) => make(api, 'echo begun; read _ < /dev/null; sleep 0.3; echo done; exit 7'),
    act: (api) => api.sandboxes.wait(box),
    ends: 'Exited',
    check: async (api) => {
      expect(await api.sandboxes.wait(box)).toMatchObject({ code: 7 });
      expect(await logOf(api)).toBe('begun\ndone\n');
    },
  }),
  scenario({
    name: 'exec',
    covers: ['exec.'],
    prepare: (api) => makeRunning(api),
    act: async (api) => said(await api.sandboxes.exec(box, request('sh', '-c', 'sleep 0.05; echo x'))),
    ends: 'Running',
  }),
  scenario({
    name: 'delete',
    covers: [
      'delete.',
      'forget.',
      'destroy.',
      'return.',
      'record.sandboxes.',
      'record.slots.',
      'record.instances.',
    ],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    becomes: GOES,
    ends: 'none',
  }),
  scenario({
    name: 'delete, not waited for',
    covers: ['delete.', 'destroy.removed', 'end.recorded'],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0, wait: false }),
    becomes: GOES,
    ends: 'none',
  }),
  scenario({
    name: 'delete of one that has ended',
    covers: ['delete.', 'forget.files'],
    core: COLD,
    prepare: async (api) => {
      await make(api, 'exit 0');
      await api.sandboxes.wait(box);
    },
    act: (api) => api.sandboxes.delete(box),
    becomes: {
      Exited: ['record.sandboxes.begun', 'delete.begun', 'delete.stopped'],
      none: ['delete.', 'forget.', 'destroy.', 'trash.', 'record.'],
    },
    ends: 'none',
  }),
  scenario({
    name: 'delete, when logs are retained',
    covers: ['delete.forgotten', 'forget.files', 'retain.recorded', 'record.retained-logs.'],
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
    name: 'the end of a retained log',
    covers: ['retain.forgotten', 'record.retained-logs.begun#2'],
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
    covers: ['retain.forgotten'],
    core: { ...COLD, logRetention: 300 },
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.delete(box, { grace: 0 });
    },
    ends: 'none',
    check: (api) => nothingRetained(api),
    tidy: (api) => nothingRetained(api),
  }),
  scenario({
    name: 'the rotation of a log',
    covers: ['rotate.'],
    besides: ['start.', 'boot.', 'record.', 'end.', 'keep.', 'return.'],
    core: { ...COLD, logSize: 3 * MIB },
    act: (api) => make(api, `exec seq -f 'line %.0f' 0 ${LINES - 1}`),
    check: async (api) => {
      const all = Array.from({ length: LINES }, (_, n) => `line ${n}\n`).join('');
      await api.sandboxes.wait(box);
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
  scenario({
    name: 'expire',
    covers: ['expire.', 'end.recorded', 'keep.settled', 'record.sandboxes.'],
    core: COLD,
    prepare: (api) => make(api, RUNNING, { ttl: '2s' }),
    ends: 'Expired',
  }),
];
