import { connectCore } from '../../src/core/client/connect-core.ts';
import { startRealCore } from '../helpers/core/real-core.ts';
import { sandboxApiContract } from './sandbox-api.ts';

sandboxApiContract('the core, in process', async () => {
  const { running, close } = await startRealCore();
  return { core: running.api, close };
});

sandboxApiContract('the core, over gRPC and WebSocket on unix sockets', async () => {
  const { remote, close } = await startRealCore();
  return { core: remote, close };
});

sandboxApiContract('the core, over gRPC and WebSocket on loopback TCP', async () => {
  const { running, close } = await startRealCore();
  const { http, grpc } = running.status;
  const core = connectCore({ grpc: grpc.replace('tcp://', ''), http: http.replace('http://', '') });
  return {
    core,
    async close() {
      await core.close();
      await close();
    },
  };
});
