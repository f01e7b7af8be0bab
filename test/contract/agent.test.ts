import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { startAgent } from '../../src/core/agent-daemon.ts';
import { type AgentAddress, connectAgent } from '../../src/core/client/connect-agent.ts';
import { corePaths } from '../../src/core/model/paths.ts';
import { buildGuest, guestDirectory, makeRoot } from '../helpers/core/real-core.ts';
import { traces } from '../helpers/core/traces.ts';
import { type AgentUnderTest, agentApiContract } from './agent-api.ts';

/** A real node; `over` says how its user reaches it. */
async function realAgent(over: 'nothing' | 'unix' | 'tcp'): Promise<AgentUnderTest> {
  buildGuest();
  const root = await makeRoot();
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const running = await startAgent({
    paths,
    guestDirectory,
    version: 'test',
    onLockLost: () => process.exit(1),
    pool: { warm: [{ image: 'host', count: 2 }], capacity: { max: 32 } },
    ...{ grpc: '127.0.0.1:0', http: '127.0.0.1:0' },
    log: pino({ level: process.env.FSB_TEST_LOG ?? 'silent' }),
  });
  const address: AgentAddress =
    over === 'tcp'
      ? { grpc: running.servers.grpc[1]!, http: running.servers.http[1]! }
      : { grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` };
  const remote = connectAgent(address);
  return {
    agent: over === 'nothing' ? running.agent : remote,
    async close() {
      await remote.close();
      await running.close();
      const left = await traces(root);
      await rm(root, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`the node left behind:\n${left.join('\n')}`);
    },
  };
}

agentApiContract('the agent, in process', () => realAgent('nothing'));
agentApiContract('the agent, over gRPC and WebSocket on unix sockets', () => realAgent('unix'));
agentApiContract('the agent, over gRPC and WebSocket on loopback TCP', () => realAgent('tcp'));
