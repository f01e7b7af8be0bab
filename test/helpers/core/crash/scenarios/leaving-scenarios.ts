import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { connectCore } from '../../../../../src/core/client/connect-core.ts';
import { corePaths } from '../../../../../src/core/model/paths.ts';
import type { ProcessSession } from '../../../../../src/core/model/process.ts';
import { breakingProxy } from '../../breaking-proxy.ts';
import { eventually } from '../always.ts';
import { box, COLD, logOf, makeRunning, WAIT } from '../boxes.ts';
import { scenario } from '../scenario.ts';
import { request } from '../sessions.ts';

/** A client whose connection breaks for good once its command has said something. */
async function leave(root: string, begin: (api: CoreApi) => Promise<ProcessSession>): Promise<void> {
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const proxy = await breakingProxy(`unix://${paths.httpSocket}`, []);
  const api = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: proxy.address });
  try {
    const session = await begin(api);
    session.exited.catch(() => {});
    await session.output[Symbol.asyncIterator]().next();
    proxy.cut();
  } finally {
    await api.close();
    await proxy.close();
  }
}

const expectTold = (api: CoreApi): Promise<void> =>
  eventually(async () => expect(await logOf(api)).toBe('begun\ntold\n'));

const runs = async (api: CoreApi): Promise<string> => {
  const { instances } = await api.pools.get('default-pool');
  return instances.some(({ holder }) => holder === 'run') ? 'runs' : 'none';
};

/** What a core does for a client that is not there any more. */
export const leavingScenarios = [
  scenario({
    name: 'exec whose client leaves in the middle',
    core: COLD,
    prepare: (api) => makeRunning(api, {}, `${WAIT} echo told; exec sleep 1000`),
    // It runs on to its end, which begins with that of its input.
    act: async (api, _, root) => {
      const command = request('sh', '-c', 'echo on; cat; echo > /go');
      await leave(root, (caller) => caller.sandboxes.exec(box, { ...command, stdin: true }));
      await expectTold(api);
    },
    ends: 'Running',
    check: expectTold,
  }),
  scenario({
    name: 'pool run whose client leaves in the middle',
    core: COLD,
    besides: ['boot.'],
    act: async (api, _, root) => {
      const exec = request('sh', '-c', 'echo on; exec sleep 1000');
      await leave(root, (caller) => caller.pools.run({ pool: 'default-pool', image: 'host', exec }));
      await eventually(async () => expect(await runs(api)).toBe('none'));
    },
    outcome: runs,
    ends: 'none',
  }),
];
