import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { firstProcesses } from '../../first-processes.ts';
import { eventually } from '../always.ts';
import { COLD, expectKept, makeRunning } from '../boxes.ts';
import { recordsOn } from '../records.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

const SOCKET = 'guest.sock';
const HIDDEN = 'guest.hidden';

/** Those whose sockets are away: nobody can tell whether their guests live. */
async function hidden(root: string): Promise<string[]> {
  const bundles = join(root, 'run/i');
  const files = await readdir(bundles, { recursive: true });
  return files.filter((name) => name.endsWith(`/${HIDDEN}`)).map((name) => name.replace(`/${HIDDEN}`, ''));
}

/** A sandbox and a lease that the next core cannot reach. @returns the lease */
async function makeHidden(api: CoreApi, root: string): Promise<string> {
  const { id: sandboxId } = await makeRunning(api);
  const lease = await api.pools.lease({ pool: 'default-pool', image: 'host' });
  for (const [id, use] of (await recordsOn(root)).instances)
    if (use?.by === 'lease' || (use?.by === 'sandbox' && use.sandboxId === sandboxId))
      await rename(join(root, 'run/i', id, SOCKET), join(root, 'run/i', id, HIDDEN));
  expect(await hidden(root)).toHaveLength(2);
  return lease.id;
}

async function show(root: string): Promise<void> {
  for (const id of await hidden(root))
    await rename(join(root, 'run/i', id, HIDDEN), join(root, 'run/i', id, SOCKET));
}

const untilSettled = (api: CoreApi): Promise<void> =>
  eventually(async () => expect((await api.system.health()).unsettled).toEqual([]));

/** What was on the way when the core before was killed. */
async function expectTakenUp(api: CoreApi, lease: string): Promise<void> {
  await expectKept(api);
  expect(await said(await api.pools.exec(lease, request('echo', 'x')))).toEqual({ text: 'x\n', code: 0 });
}

/** What an instance comes to that cannot be taken up at once. */
export const unsettledScenarios = [
  scenario({
    name: 'the start of a core that cannot take up a sandbox and a lease at once',
    besides: [
      ...['recover.listed', 'recover.settled', 'recover.done', 'reconcile.', 'serve.', 'record.'],
      'settle.',
    ],
    core: COLD,
    prepare: makeHidden,
    whileStarting: true,
    mend: async (api, root) => {
      await show(root);
      await untilSettled(api);
    },
    ends: 'Running',
    check: expectTakenUp,
  }),
  scenario({
    name: 'the taking up of a sandbox and a lease, later',
    core: COLD,
    prepare: makeHidden,
    restarted: true,
    act: async (api, _, root) => {
      await show(root);
      await untilSettled(api);
    },
    mend: untilSettled,
    ends: 'Running',
    check: expectTakenUp,
  }),
  scenario({
    name: 'the end of a sandbox and a lease before they are taken up',
    core: COLD,
    prepare: makeHidden,
    restarted: true,
    act: async (api, _, root) => {
      const pids = await firstProcesses(root);
      for (const id of await hidden(root)) process.kill(pids.get(id)!, 'SIGKILL');
      await untilSettled(api);
    },
    mend: untilSettled,
    ends: 'Lost',
    check: async (api) => expect(await api.pools.leases()).toEqual([]),
  }),
];
