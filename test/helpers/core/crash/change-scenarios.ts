import { expect } from 'vitest';
import { memoryLimit } from '../memory-limit.ts';
import { box, COLD, expectKept, find, makeRunning } from './boxes.ts';
import { scenario } from './scenario.ts';

const MIB = 1024 * 1024;

const isPaused = async (api: Parameters<typeof find>[0]): Promise<boolean> => {
  const { state } = (await find(api))!;
  return state.phase === 'Running' && state.paused === true;
};

/** From here on the command has begun, on record. */
const BEGUN = ['start.recorded', 'start.answered', 'again.started', 'forget.'];

/** The command has begun, and that is on its way to the disk. */
const ON_ITS_WAY = ['start.spawned', 'rotate.'];

/** What is done to a sandbox that is there. */
export const changeScenarios = [
  scenario({
    name: 'stop',
    covers: ['end.recorded', 'keep.settled', 'return.'],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.stop(box, { grace: 0 }),
    becomes: { Exited: [''] },
    ends: 'Exited',
    check: async (api) => {
      await api.sandboxes.start(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'start',
    covers: ['again.', 'start.claimed', 'start.recorded', 'boot.', 'record.sandboxes.'],
    core: COLD,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.stop(box, { grace: 0 });
    },
    act: (api) => api.sandboxes.start(box),
    becomes: {
      Exited: ['again.ended', 'record.sandboxes.begun'],
      Failed: [
        ...['again.renewed', 'start.', 'boot.', 'record.sandboxes.committed', 'record.instances.'],
        ...['record.slots.begun', 'record.instances.committed#2', ...ON_ITS_WAY],
      ],
      Running: [
        ...[
          ...BEGUN,
          ...ON_ITS_WAY,
          'record.slots.committed',
          'record.slots.begun#2',
          'record.slots.committed#2',
        ],
        ...['record.sandboxes.begun#2', 'record.sandboxes.committed#2', 'record.instances.committed#2'],
      ],
    },
    ends: 'Running',
    check: async (api) => {
      await api.sandboxes.start(box);
      await expectKept(api);
    },
  }),
  ...(['restart', 'reset'] as const).map((verb) =>
    scenario({
      name: verb,
      covers:
        verb === 'restart'
          ? ['again.', 'end.recorded', 'keep.settled', 'start.files', 'start.recorded', 'boot.connected']
          : ['again.', 'end.recorded', 'start.recorded', 'boot.connected', 'destroy.removed', 'forget.'],
      core: COLD,
      prepare: (api) => makeRunning(api),
      act: (api) => api.sandboxes[verb](box, { grace: 0 }),
      becomes: {
        Exited: ['end.', 'keep.', 'return.', 'again.ended', 'record.'],
        Failed: [
          ...['again.renewed', 'start.', 'boot.', 'record.sandboxes.committed#2'],
          ...[
            'record.slots.begun#2',
            'record.instances.begun#2',
            'record.instances.committed#2',
            ...ON_ITS_WAY,
          ],
        ],
        Running: [...BEGUN, 'destroy.', 'trash.', 'record.slots.committed#2', ...ON_ITS_WAY],
      },
      ends: 'Running',
      check: async (api) => {
        await api.sandboxes.start(box);
        // A reset that was not begun leaves the files, one that was has none.
        if (verb === 'restart') await expectKept(api);
      },
    }),
  ),
  scenario({
    name: 'pause',
    covers: ['pause.', 'record.sandboxes.'],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.pause(box),
    ends: 'Running',
    check: async (api, _, answered) => {
      const paused = await isPaused(api);
      if (answered) expect(paused).toBe(true);
      if (paused) await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'unpause',
    covers: ['unpause.'],
    core: COLD,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.pause(box);
    },
    act: (api) => api.sandboxes.unpause(box),
    ends: 'Running',
    check: async (api, _, answered) => {
      const paused = await isPaused(api);
      if (answered) expect(paused).toBe(false);
      if (paused) await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'update',
    covers: ['update.', 'resize.', 'record.sandboxes.'],
    core: COLD,
    prepare: (api) => makeRunning(api, { resources: { memory: 64 * MIB } }),
    act: (api) => api.sandboxes.update(box, { resources: { memory: 96 * MIB } }),
    ends: 'Running',
    check: async (api, _, __, root) => {
      const usage = (await api.sandboxes.usage({})).find(({ name }) => name === box.name);
      const { id, spec } = (await find(api))!;
      // What is said is what is.
      expect(usage?.limits.memory).toBe(spec.resources?.memory);
      const { instances } = await api.system.usage();
      const instance = instances.find(({ sandboxId }) => sandboxId === id)!;
      expect(await memoryLimit(root, instance.id)).toBe(spec.resources?.memory);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'rename',
    covers: ['rename.', 'record.sandboxes.'],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.rename(box, 'other'),
    check: async (api, _, answered) => {
      const [old, renamed] = [await find(api), await find(api, 'other')];
      expect([old, renamed].filter((one) => one?.state.phase === 'Running')).toHaveLength(1);
      if (answered) expect(old).toBeUndefined();
    },
  }),
];
