import type { AgentApi, AgentSandbox, StartRequest } from '../../../src/core/api/agent-api.ts';
import { newSandboxId } from '../../../src/core/model/ids.ts';
import { parseSpec, type SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';

/** The agent under test, and short words for what the cases do again and again. */
export class AgentBench {
  #agent: AgentApi | undefined;
  readonly #started: string[] = [];

  use(agent: AgentApi): void {
    this.#agent = agent;
  }

  get agent(): AgentApi {
    return this.#agent!;
  }

  /** To start `sh -c script`. */
  request(script: string, spec: Partial<SandboxSpecInput> = {}): StartRequest {
    const sandboxId = newSandboxId();
    this.#started.push(sandboxId);
    const command = ['sh', '-c', script];
    return {
      sandboxId,
      claimName: `default/${sandboxId}`,
      spec: parseSpec({ image: 'host', command, ...spec }),
    };
  }

  async shell(script: string, spec: Partial<SandboxSpecInput> = {}): Promise<string> {
    const request = this.request(script, spec);
    await this.agent.start(request);
    return request.sandboxId;
  }

  idle(spec: Partial<SandboxSpecInput> = {}): Promise<string> {
    return this.shell('while :; do sleep 1000; done', spec);
  }

  async find(sandboxId: string): Promise<AgentSandbox | undefined> {
    return (await this.agent.sandboxes()).find((sandbox) => sandbox.sandboxId === sandboxId);
  }

  /** Resolves when it has ended by itself, with how. */
  async ended(sandboxId: string): Promise<AgentSandbox> {
    const abort = new AbortController();
    for await (const { sandbox } of this.agent.watch({ signal: abort.signal }))
      if (sandbox?.sandboxId === sandboxId && sandbox.state.state !== 'running') return sandbox;
    throw new Error('the watch ended');
  }

  async cleanUp(): Promise<void> {
    if (this.#agent === undefined) return;
    for (const id of this.#started) {
      await this.#agent.stop(id, { grace: 0, keepFiles: false });
      await this.#agent.forget(id);
    }
  }
}
