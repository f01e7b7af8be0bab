import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { memoryLimit } from '../../memory-limit.ts';
import { box, COLD, expectGoesOn, expectKept, find, makeRunning } from '../boxes.ts';
import { BEGUN, ON_ITS_WAY, STARTS } from '../outcomes.ts';
import { scenario } from '../scenario.ts';

const MIB = 1024 * 1024;

const pausedOrNot = async (api: CoreApi): Promise<string> => {
  const { state } = (await find(api))!;
  return state.phase === 'Running' && state.paused === true ? 'paused' : 'running';
};

const memoryOf = async (api: CoreApi): Promise<string> =>
  `${(await find(api))!.spec.resources!.memory! / MIB}`;

const nameOf = async (api: CoreApi): Promise<string> =>
  (await api.sandboxes.list({}))
    .filter(({ name, state }) => name !== 'bystander' && state.phase === 'Running')
    .map(({ name }) => name)
    .join(' and ');

/** What is done to a sandbox that is there. */
export const changeScenarios = [
  scenario({
    name: 'stop',
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.stop(box, { grace: 0 }),
    becomes: { Exited: [''] },
    ends: 'Exited',
    check: expectGoesOn,
  }),
  scenario({
    name: 'start',
    core: COLD,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.stop(box, { grace: 0 });
    },
    act: (api) => api.sandboxes.start(box),
    becomes: { Exited: ['again.ended', 'record.sandboxes.begun'], ...STARTS },
    ends: 'Running',
    check: expectGoesOn,
  }),
  ...(['restart', 'reset'] as const).map((verb) =>
    scenario({
      name: verb,
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
        if (verb === 'restart') await expectGoesOn(api);
        // One that was not begun leaves the files, one that was has none.
        else await api.sandboxes.start(box);
      },
    }),
  ),
  scenario({
    name: 'pause',
    // Of what was prepared, when it comes late.
    besides: ['record.sandboxes.committed#2'],
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.pause(box),
    outcome: pausedOrNot,
    becomes: {
      running: ['record.slots.begun'],
      paused: ['record.', 'pause.'],
    },
    ends: 'paused',
    check: async (api) => {
      if ((await pausedOrNot(api)) === 'paused') await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'unpause',
    core: COLD,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.pause(box);
    },
    act: (api) => api.sandboxes.unpause(box),
    outcome: pausedOrNot,
    becomes: {
      paused: ['unpause.thawed', 'record.slots.begun'],
      running: ['record.', 'unpause.'],
    },
    ends: 'running',
    check: async (api) => {
      if ((await pausedOrNot(api)) === 'paused') await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'the start of a core after one that was killed, with a paused sandbox',
    core: COLD,
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.pause(box);
    },
    outcome: pausedOrNot,
    ends: 'paused',
    check: async (api) => {
      await api.sandboxes.unpause(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'update',
    core: COLD,
    prepare: (api) => makeRunning(api, { resources: { memory: 64 * MIB } }),
    act: (api) => api.sandboxes.update(box, { resources: { memory: 96 * MIB } }),
    outcome: memoryOf,
    becomes: {
      64: ['record.slots.begun'],
      // From then on the node has it on record, and the next core goes by that.
      96: ['record.', 'resize.', 'update.'],
    },
    ends: '96',
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
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.rename(box, 'other'),
    outcome: nameOf,
    becomes: { box: ['record.sandboxes.begun'], other: ['record.', 'rename.'] },
    ends: 'other',
  }),
];
