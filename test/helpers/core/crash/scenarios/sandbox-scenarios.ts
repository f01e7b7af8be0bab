import { expect } from 'vitest';
import type { FsbError } from '../../../../../src/core/model/failure/errors.ts';
import { box, COLD, go, logOf, make, makeRunning, RUNNING, WAIT } from '../boxes.ts';
import { BEGINS, GOES } from '../outcomes.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

/** The life of a sandbox, from its creation to its deletion. */
export const sandboxScenarios = [
  scenario({
    name: 'run',
    act: (api) => make(api, RUNNING),
    becomes: BEGINS,
    ends: 'Running',
  }),
  scenario({
    name: 'run on a pool that is empty',
    core: COLD,
    act: (api) => make(api, RUNNING),
    becomes: BEGINS,
    ends: 'Running',
  }),
  scenario({
    name: 'run of a command that is not there',
    core: COLD,
    act: (api) =>
      make(api, '', { command: ['/nope'] }).catch((error: FsbError) => {
        if (error.code !== 'command_not_found') throw error;
      }),
    becomes: {
      none: [
        ...['record.sandboxes.begun', 'start.', 'boot.', 'rotate.', 'record.', 'destroy.', 'return.'],
        'record.instances.begun#2',
      ],
      // That it has an instance is on record, that its command did not begin is not.
      Lost: [
        ...['record.slots.committed', 'record.slots.begun#2', 'record.instances.committed#2'],
        ...['destroy.', 'return.', 'record.instances.begun#2'],
      ],
      Failed: [
        ...['record.sandboxes.committed', 'record.sandboxes.begun#2', 'record.slots.committed#2'],
        ...['record.slots.committed', 'record.slots.begun#2', 'record.instances.committed#2'],
        ...[
          'record.instances.begun#2',
          'start.',
          'boot.',
          'rotate.',
          'record.',
          'destroy.',
          'return.',
          'forget.',
          'trash.',
        ],
      ],
    },
    ends: 'Failed',
  }),
  scenario({
    name: 'the refill after a run',
    besides: ['start.', 'record.'],
    core: { pool: { capacity: { max: 8 } } },
    act: (api) => make(api, RUNNING),
    // It begins beside the start of the sandbox, which may not be on record yet.
    becomes: { Running: ['', 'boot.recorded'], Failed: ['boot.recorded'] },
    ends: 'Running',
  }),
  scenario({
    name: 'the end of a command',
    core: COLD,
    besides: ['exec.'],
    prepare: (api) => makeRunning(api, {}, `${WAIT} echo done; exit 7`),
    act: async (api) => {
      await go(api);
      await api.sandboxes.wait(box);
    },
    ends: 'Exited',
    check: async (api) => {
      expect(await api.sandboxes.wait(box)).toMatchObject({ code: 7 });
      expect(await logOf(api)).toBe('begun\ndone\n');
    },
  }),
  scenario({
    name: 'exec',
    prepare: (api) => makeRunning(api),
    act: async (api) => said(await api.sandboxes.exec(box, request('sh', '-c', 'sleep 0.05; echo x'))),
    ends: 'Running',
  }),
  scenario({
    name: 'delete',
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    becomes: GOES,
    ends: 'none',
  }),
  scenario({
    name: 'delete, not waited for',
    core: COLD,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0, wait: false }),
    becomes: GOES,
    ends: 'none',
  }),
  scenario({
    name: 'delete of one that has ended',
    core: COLD,
    prepare: async (api) => {
      await make(api, 'exit 0');
      await api.sandboxes.wait(box);
    },
    act: (api) => api.sandboxes.delete(box),
    becomes: {
      Exited: ['record.sandboxes.begun', 'delete.begun', 'delete.stopped'],
      none: [
        ...['delete.begun', 'delete.stopped', 'record.sandboxes.begun#2'],
        ...['delete.', 'forget.', 'destroy.', 'trash.', 'record.'],
      ],
    },
    ends: 'none',
  }),
  scenario({
    name: 'expire',
    core: COLD,
    prepare: (api) => makeRunning(api, { ttl: '2s' }),
    ends: 'Expired',
    // By the stop signal, or by the next core, which has less patience.
    check: async (api) => expect([9, 15]).toContain((await api.sandboxes.wait(box)).signal),
  }),
];
