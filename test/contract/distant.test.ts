import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAgent } from '../../src/core/client/connect-agent.ts';
import { connectCore } from '../../src/core/client/connect-core.ts';
import { startAgentProcess } from '../helpers/core/agent-process.ts';
import { Authority } from '../helpers/core/certificates.ts';
import { lose } from '../helpers/core/lose.ts';
import { delayedLink } from '../helpers/core/network/delayed-link.ts';
import { pidOfCore, startDistantCore } from '../helpers/core/network/distant-core.ts';
import { makeRoot } from '../helpers/core/real-core.ts';
import { traces } from '../helpers/core/traces.ts';
import { delay } from '../helpers/core/waiting.ts';
import { agentApiContract } from './agent-api.ts';
import { sandboxApiContract } from './sandbox-api.ts';

const WHERE = 'over TLS, in another network namespace, a round trip of 20 ms away';

async function removeRoot(root: string): Promise<void> {
  const left = await traces(root);
  await rm(root, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
}

sandboxApiContract(`the core, ${WHERE}`, async () => {
  const root = await makeRoot();
  const distant = await startDistantCore(root, ['--warm', 'host=2', '--max', '64']);
  const core = connectCore(distant.address);
  return {
    core,
    node: {
      lose: (box) => lose(core, root, box),
      async pause(meanwhile) {
        const pid = await pidOfCore(root);
        process.kill(pid, 'SIGSTOP');
        meanwhile();
        await delay(1500);
        process.kill(pid, 'SIGCONT');
      },
    },
    async close() {
      await core.close();
      await distant.close();
      await removeRoot(root);
    },
  };
});

agentApiContract(`the agent, ${WHERE}`, async () => {
  const root = await makeRoot();
  const link = await delayedLink();
  const authority = new Authority();
  const token = randomBytes(32).toString('hex');
  const tokenFile = join(root, 'token');
  await writeFile(tokenFile, token, { mode: 0o600 });
  const security = { tls: authority.issue({ names: `IP:${link.far}` }), tokenFile };
  const listen = { grpc: `${link.far}:9090`, http: `${link.far}:5758`, security };
  const node = await startAgentProcess(root, { listen, enter: link.enter });
  const tls = { ca: await readFile(authority.ca) };
  const agent = connectAgent({ ...node.tcp, security: { token, tls } });
  return {
    agent,
    async close() {
      await agent.close();
      await node.stop();
      await link[Symbol.asyncDispose]();
      authority[Symbol.dispose]();
      await removeRoot(root);
    },
  };
});
