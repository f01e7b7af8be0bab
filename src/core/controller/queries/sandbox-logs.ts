import type { AgentApi } from '../../api/agent-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import type { LogEntry, LogQuery } from '../../model/logs.ts';
import type { Sandbox, SandboxRef } from '../../model/sandbox/sandbox.ts';
import { filesOf, logIdsOf } from '../decide/left-files.ts';
import { isAnother } from '../decide/requirements.ts';
import type { Registry } from '../records/registry.ts';

/** Which log of the node belongs to a sandbox: of one that is there, of one whose start has failed, of one that is deleted. */
export class SandboxLogs {
  readonly #agent: AgentApi;
  readonly #registry: Registry;

  constructor(agent: AgentApi, registry: Registry) {
    this.#agent = agent;
    this.#registry = registry;
  }

  /** What the log of a sandbox takes. */
  async bytes(sandbox: Sandbox): Promise<number> {
    const sizes = await Promise.all(logIdsOf(sandbox).map((id) => this.#agent.logBytes(id)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** As SandboxApi.logs. A generator, so that even an unknown name is told when the entries are asked for. */
  async *read(ref: SandboxRef, query: LogQuery, options: CallOptions = {}): AsyncGenerator<LogEntry> {
    const entry = this.#registry.findAgain(ref, query.sandboxId);
    if (entry === undefined) return yield* this.#agent.logs(await this.#retained(ref), query, options);
    const leave = entry.read();
    try {
      // The node knows a generation from its start on.
      if (entry.sandbox.generation > 1)
        await entry.until(({ state }) => (state.phase === 'Pending' ? undefined : true), options.signal);
      // Where a start has failed, the log is where the files are.
      const id = filesOf(entry.sandbox) ?? entry.sandbox.id;
      if (query.sandboxId !== undefined && query.sandboxId !== id) throw isAnother(ref.name, 'log');
      yield* this.#agent.logs(id, query, options);
    } finally {
      leave();
    }
  }

  /** Of a sandbox that is deleted. @throws not_found, conflict (several ids begin so) */
  async #retained(ref: SandboxRef): Promise<string> {
    const id = await this.#agent.retainedLog(ref);
    if (id === undefined) throw this.#registry.missing(ref);
    return id;
  }
}
