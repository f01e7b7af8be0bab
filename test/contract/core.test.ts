/** On the real core; what its API does over the other ways to it is in wire.test.ts and distant.test.ts. */
import type { CoreApi } from '../../src/core/api/core-api.ts';
import { lose } from '../helpers/core/lose.ts';
import { startRealCore } from '../helpers/core/real-core.ts';
import { type CoreUnderTest, sandboxApiContract } from './sandbox-api.ts';

/** The core is in this process: what stops this one stops that. */
const nodeHere = (core: CoreApi, root: string): CoreUnderTest['node'] => ({
  lose: (box) => lose(core, root, box),
  async pause(meanwhile) {
    meanwhile();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  },
});

sandboxApiContract('the core, in process', async () => {
  const { running, close, root } = await startRealCore();
  return { core: running.api, close, node: nodeHere(running.api, root) };
});

sandboxApiContract('the core, over gRPC and WebSocket on unix sockets', async () => {
  const { remote, close, root } = await startRealCore();
  return { core: remote, close, node: nodeHere(remote, root) };
});
