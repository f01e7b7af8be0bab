import { expect } from 'vitest';
import { memoryLimit } from '../memory-limit.ts';
import { box, expectKept, expectPhase, find, makeRunning } from './boxes.ts';
import { scenario } from './scenario.ts';

const MIB = 1024 * 1024;

/** What is done to a sandbox that is there. */
export const changeScenarios = [
  scenario({
    name: 'stop',
    covers: ['end.', 'keep.', 'return.'],
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.stop(box, { grace: 0 }),
    check: async (api, _, answered) => {
      await expectPhase(api, 'Exited', ...(answered ? [] : (['Running'] as const)));
      await api.sandboxes.start(box);
      await expectKept(api);
    },
  }),
  ...(['start', 'restart'] as const).map((verb) =>
    scenario({
      name: verb,
      covers: verb === 'start' ? ['again.', 'start.', 'boot.'] : ['again.'],
      prepare: async (api) => {
        await makeRunning(api);
        if (verb === 'start') await api.sandboxes.stop(box, { grace: 0 });
      },
      act: (api) => api.sandboxes[verb](box, { grace: 0 }),
      check: async (api, _, answered) => {
        await expectPhase(api, 'Running', ...(answered ? [] : (['Exited', 'Failed', 'Lost'] as const)));
        await api.sandboxes.start(box);
        await expectKept(api);
      },
    }),
  ),
  scenario({
    name: 'reset',
    covers: ['again.'],
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.reset(box, { grace: 0 }),
    check: async (api, _, answered) => {
      await expectPhase(api, 'Running', ...(answered ? [] : (['Exited', 'Failed', 'Lost'] as const)));
      await api.sandboxes.start(box);
      await expectPhase(api, 'Running');
    },
  }),
  scenario({
    name: 'pause',
    covers: ['pause.'],
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.pause(box),
    check: async (api, _, answered) => {
      const { state } = (await find(api))!;
      const paused = state.phase === 'Running' && state.paused === true;
      if (answered) expect(paused).toBe(true);
      if (paused) await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'unpause',
    covers: ['unpause.'],
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.pause(box);
    },
    act: (api) => api.sandboxes.unpause(box),
    check: async (api, _, answered) => {
      const { state } = (await find(api))!;
      const paused = state.phase === 'Running' && state.paused === true;
      if (answered) expect(paused).toBe(false);
      if (paused) await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'update',
    covers: ['update.', 'resize.'],
    prepare: (api) => makeRunning(api, { resources: { memory: 64 * MIB } }),
    act: (api) => api.sandboxes.update(box, { resources: { memory: 96 * MIB } }),
    check: async (api, _, __, root) => {
      const [usage] = await api.sandboxes.usage({});
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
    covers: ['rename.'],
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.rename(box, 'other'),
    check: async (api) => {
      const [one, ...more] = await api.sandboxes.list({});
      expect(more).toEqual([]);
      expect(['box', 'other']).toContain(one?.name);
    },
  }),
];
