import { afterAll, beforeAll, describe } from 'vitest';
import type { AgentApi } from '../../src/core/api/agent-api.ts';
import { AgentBench } from './agent/agent-bench.ts';
import { agentLifeCases } from './agent/life.ts';
import { agentStreamCases } from './agent/streams.ts';
import { agentWatchCases } from './agent/watch.ts';

export interface AgentUnderTest {
  agent: AgentApi;
  /** Frees all that was made for it. */
  close(): Promise<void>;
}

/**
 * What every AgentApi does, whether it is the agent in this process or a client over a wire. It needs the image `host`
 * with a POSIX shell, and room for a few sandboxes at once.
 */
export function agentApiContract(name: string, makeAgent: () => Promise<AgentUnderTest>): void {
  describe(`AgentApi contract: ${name}`, () => {
    const bench = new AgentBench();
    let made: AgentUnderTest;
    beforeAll(async () => {
      made = await makeAgent();
      bench.use(made.agent);
    });
    afterAll(async () => {
      await bench.cleanUp();
      await made?.close();
    });
    agentLifeCases(bench);
    agentWatchCases(bench);
    agentStreamCases(bench);
  });
}
