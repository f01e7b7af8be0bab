import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { COLD, expectKept, make, makeRunning, RUNNING } from '../boxes.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

const NODE = { ...COLD, node: true };

const lease = (api: CoreApi) => api.pools.lease({ pool: 'default-pool', image: 'host' });

async function expectTakenUp(api: CoreApi, { id }: { id: string }): Promise<void> {
  await expectKept(api);
  expect(await said(await api.pools.exec(id, request('echo', 'x')))).toEqual({ text: 'x\n', code: 0 });
}

/** Of a node without a controller: that one is elsewhere, and reaches it over the wire. */
export const nodeScenarios = [
  scenario({
    name: 'the start of a node after one that was killed',
    core: NODE,
    everywhere: true,
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      return lease(api);
    },
    ends: 'Running',
    check: expectTakenUp,
  }),
  scenario({
    name: 'the start of a sandbox on a node',
    core: NODE,
    act: (api) => make(api, RUNNING),
    // Its caller was told that the node was away: what has begun there is unwanted.
    becomes: { none: [''] },
    ends: 'Running',
  }),
  scenario({
    name: 'the end of a node',
    core: NODE,
    everywhere: true,
    whileEnding: true,
    prepare: async (api) => {
      await makeRunning(api);
      return lease(api);
    },
    ends: 'Running',
    check: expectTakenUp,
  }),
];
