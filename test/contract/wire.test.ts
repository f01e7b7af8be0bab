import { hostCore } from '../helpers/core/host-core/host-core.ts';
import { serveSecurely } from '../helpers/core/secure-core.ts';
import { serveAndConnect } from '../helpers/core/served-core.ts';
import { sandboxApiContract } from './sandbox-api.ts';

sandboxApiContract(
  'processes of this machine, direct',
  async () => {
    const core = hostCore();
    return { core, close: () => core.close() };
  },
  { hasNode: false },
);

// Unix sockets are those of the real core, in core.test.ts.
sandboxApiContract(
  'processes of this machine, over loopback TCP',
  async () => {
    const served = hostCore();
    const { core, close } = await serveAndConnect(served, 'tcp');
    return {
      core,
      async close() {
        await close();
        await served.close();
      },
    };
  },
  { hasNode: false },
);
sandboxApiContract(
  'processes of this machine, over TLS with a token',
  async () => {
    const served = hostCore();
    const place = await serveSecurely(served);
    return {
      core: place.client(),
      async close() {
        await place[Symbol.asyncDispose]();
        await served.close();
      },
    };
  },
  { hasNode: false },
);
