import { rm } from 'node:fs/promises';
import { connectCore } from '../../src/core/client/connect-core.ts';
import { lose } from '../helpers/core/lose.ts';
import { startDistantCore } from '../helpers/core/network/distant-core.ts';
import { makeRoot } from '../helpers/core/real-core.ts';
import { traces } from '../helpers/core/traces.ts';
import { sandboxApiContract } from './sandbox-api.ts';

sandboxApiContract(
  'the core, over TLS, in another network namespace, a round trip of 20 ms away',
  async () => {
    const root = await makeRoot();
    const distant = await startDistantCore(root, ['--warm', 'host=2', '--max', '64']);
    const core = connectCore(distant.address);
    return {
      core,
      lose: (box) => lose(core, root, box),
      async close() {
        await core.close();
        await distant.close();
        const left = await traces(root);
        await rm(root, { recursive: true, force: true });
        if (left.length > 0) throw new Error(`the core left behind:\n${left.join('\n')}`);
      },
    };
  },
);
