import { connectCore } from '../../src/core/client/connect-core.ts';
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

sandboxApiContract('the core, over gRPC and WebSocket on loopback TCP', async () => {
  const { running, close, root } = await startRealCore();
  const { http, grpc } = running.status;
  const core = connectCore({ grpc: grpc.replace('tcp://', ''), http: http.replace('http://', '') });
  return {
    core,
    lose: (box) => lose(core, root, box),
    async close() {
      await core.close();
      await close();
    },
  };
});
