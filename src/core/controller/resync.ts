import type { AgentSandbox } from '../api/agent-api.ts';
import { discard, type ReconcileOptions, unwantedOf } from './reconcile.ts';

/** Brings a controller that went on in line with a node that it could not hear for a while. */
export class Resync {
  readonly #options: Omit<ReconcileOptions, 'node' | 'now'>;

  constructor(options: Omit<ReconcileOptions, 'node' | 'now'>) {
    this.#options = options;
  }

  /**
   * To be called when the node is asked what it has. Only what ran before that can be missing in the answer: a start may
   * be answered before it, and still be later than it.
   */
  asked(): (reports: AgentSandbox[]) => void {
    const ran = this.#options.registry
      .entries()
      .filter(({ sandbox }) => sandbox.state.phase === 'Running')
      .map(({ sandbox }) => sandbox.id);
    return (reports) => this.#compare(ran, reports);
  }

  #compare(ran: readonly string[], reports: AgentSandbox[]): void {
    const { registry, lifecycle, mayBeWanted, agent, log } = this.#options;
    for (const report of reports) lifecycle.apply(report);
    const known = new Set(reports.map(({ sandboxId }) => sandboxId));
    const state = { state: 'lost', reason: 'the node knows nothing of it' } as const;
    for (const sandboxId of ran) if (!known.has(sandboxId)) lifecycle.apply({ sandboxId, state });
    // Of a start whose answer was lost, or a deletion that never came there.
    for (const id of unwantedOf([...known], registry.entries(), mayBeWanted))
      discard(id, agent).catch((error) =>
        log.error({ err: error, sandbox: id }, 'cannot end what nobody wants'),
      );
  }
}
