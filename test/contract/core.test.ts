/** On the real core; what its API does over the other ways to it is in wire.test.ts and distant.test.ts. */
import { lose } from '../helpers/core/lose.ts';
import { startRealCore } from '../helpers/core/real-core.ts';
import { sandboxApiContract } from './sandbox-api.ts';

sandboxApiContract('the core, in process', async () => {
  const { running, close, root } = await startRealCore();
  return { core: running.api, close, lose: (box) => lose(running.api, root, box) };
});

sandboxApiContract('the core, over gRPC and WebSocket on unix sockets', async () => {
  const { remote, close, root } = await startRealCore();
  return { core: remote, close, lose: (box) => lose(remote, root, box) };
});
