import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import type { FsbError } from '../../../../../src/core/model/failure/errors.ts';
import { box, COLD, expectGoesOn, logOf, make, makeRunning, RUNNING } from '../boxes.ts';
import { STARTS } from '../outcomes.ts';
import { scenario } from '../scenario.ts';

/** A directory of the machine that the sandbox sees. Without it, it boots no more; by then it has its files and its log. */
const mountedBelow = (root: string): string => join(root, 'mounted');

async function makeMounted(api: CoreApi, root: string): Promise<void> {
  const source = mountedBelow(root);
  await mkdir(source);
  await makeRunning(api, { mounts: [{ source, target: '/mnt' }] });
}

const stop = (api: CoreApi): Promise<unknown> => api.sandboxes.stop(box, { grace: 0 });

/** @throws when it does not fail so */
const fails = (act: Promise<unknown>, why: string): Promise<void> => expect(act).rejects.toThrow(why);

const OTHER = 'other';
const createOther = (api: CoreApi): Promise<unknown> => api.pools.create({ name: OTHER, warm: [] });

/** On record it is the next generation, whose start was broken off. */
const FAILS = { Exited: ['again.ended', 'record.sandboxes.begun'], Failed: ['', 'record.sandboxes.begun#2'] };

/** Logs are retained in one of two, for then what removes a generation must not remove its log. */
const RETAINS = { ...COLD, logRetention: 3_600_000 };

const removeRetained = async (api: CoreApi): Promise<void> =>
  api.system.removeLogs((await api.system.retainedLogs()).map(({ sandboxId }) => sandboxId));

/** Operations that fail: what they had taken is where it was, and may be tried again. */
export const failureScenarios = [
  scenario({
    name: 'a boot that fails',
    core: COLD,
    // The same core may have had enough of it in the case before.
    prepare: async (api) => void (await api.pools.update('default-pool', { reset: true })),
    act: (api) =>
      // The runtime refuses to lay a file over a directory.
      make(api, RUNNING, { mounts: [{ source: '/etc/hostname', target: '/etc' }] }).catch(
        (error: FsbError) => {
          // That of a core that is killed says the same of a start of which nobody knows.
          if (error.code !== 'run_failed' || error.message.includes('cannot tell')) throw error;
        },
      ),
    becomes: {
      none: ['record.sandboxes.begun', 'start.', 'boot.', 'record.', 'destroy.', 'trash.', 'rotate.'],
      Failed: ['start.', 'boot.', 'record.', 'destroy.', 'trash.', 'rotate.', 'record.sandboxes.begun#2'],
    },
    ends: 'Failed',
  }),
  scenario({
    name: 'start that fails before it has the files',
    core: COLD,
    prepare: async (api) => {
      await createOther(api);
      await makeRunning(api, { pool_ref: OTHER });
      await stop(api);
      await api.pools.delete(OTHER);
    },
    act: (api) => fails(api.sandboxes.start(box), OTHER),
    becomes: FAILS,
    ends: 'Failed',
    check: async (api) => {
      await createOther(api);
      await expectGoesOn(api);
    },
    tidy: (api) => api.pools.delete(OTHER),
  }),
  ...[COLD, RETAINS].map((core) =>
    scenario({
      name: `start that fails when it has the files${core === RETAINS ? ', when logs are retained' : ''}`,
      core,
      prepare: async (api, root) => {
        await makeMounted(api, root);
        await stop(api);
        await rmdir(mountedBelow(root));
      },
      act: (api, _, root) => fails(api.sandboxes.start(box), mountedBelow(root)),
      becomes: FAILS,
      ends: 'Failed',
      check: async (api, _, __, root) => {
        if (core === RETAINS) {
          // It goes as it is.
          await api.sandboxes.delete(box);
          expect(await logOf(api)).toBe('begun\n');
          return;
        }
        await mkdir(mountedBelow(root));
        await expectGoesOn(api);
        await api.sandboxes.delete(box, { grace: 0 });
        await rmdir(mountedBelow(root));
      },
      tidy: removeRetained,
    }),
  ),
  scenario({
    name: 'restart that fails',
    core: COLD,
    prepare: async (api, root) => {
      await makeMounted(api, root);
      // What runs keeps it.
      await rmdir(mountedBelow(root));
    },
    act: (api, _, root) => fails(api.sandboxes.restart(box, { grace: 0 }), mountedBelow(root)),
    becomes: {
      Exited: ['end.', 'keep.', 'return.', 'again.ended', 'record.'],
      Failed: [
        ...['again.renewed', 'start.', 'boot.', 'forget.', 'record.sandboxes.committed#2'],
        ...['record.instances.begun#2', 'record.instances.committed#2', 'record.slots.begun#2'],
        ...['record.slots.committed#2', 'destroy.', 'trash.'],
      ],
    },
    ends: 'Failed',
    check: async (api, _, __, root) => {
      await mkdir(mountedBelow(root));
      await expectGoesOn(api);
    },
    tidy: (_, root) => rmdir(mountedBelow(root)),
  }),
  scenario({
    name: 'start after a start that failed',
    core: COLD,
    prepare: async (api, root) => {
      await makeMounted(api, root);
      await stop(api);
      await rmdir(mountedBelow(root));
      await fails(api.sandboxes.start(box), mountedBelow(root));
      await mkdir(mountedBelow(root));
    },
    act: (api) => api.sandboxes.start(box),
    becomes: { ...STARTS, Failed: ['again.ended', 'record.sandboxes.begun', ...STARTS.Failed] },
    ends: 'Running',
    check: expectGoesOn,
    tidy: (_, root) => rmdir(mountedBelow(root)),
  }),
];
