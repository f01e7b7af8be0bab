import type { AgentSandbox } from '../../api/agent-api.ts';
import { isLive } from '../../model/sandbox/phase.ts';
import { mayEnd } from '../decide/phase-after.ts';
import { discard, type ReconcileOptions, unwantedOf } from './reconcile.ts';

/** Brings a controller that went on in line with a node that it could not hear for a while. */
export class Resync {
  readonly #options: Omit<ReconcileOptions, 'node' | 'operations' | 'clock'>;

  constructor(options: Omit<ReconcileOptions, 'node' | 'operations' | 'clock'>) {
    this.#options = options;
  }

  /**
   * To be called when the node is asked what it has. Only what ran before that can be missing in the answer: a start may
   * be answered before it, and still be later than it.
   */
  asked(): (reports: AgentSandbox[]) => void {
    const ran = this.#options.registry
      .entries()
      .filter(({ sandbox }) => mayEnd(sandbox.state))
      .map(({ sandbox }) => sandbox.id);
    return (reports) => this.#compare(ran, reports);
  }

  #compare(ran: readonly string[], reports: AgentSandbox[]): void {
    const { registry, lifecycle, mayBeWanted } = this.#options;
    for (const report of reports) {
      lifecycle.apply(report);
      const phase = registry.byId(report.sandboxId)?.sandbox.state.phase;
      // A stop that never came there.
      if (report.state.state === 'running' && phase !== undefined && !isLive(phase))
        this.#end(report.sandboxId);
    }
    const known = new Set(reports.map(({ sandboxId }) => sandboxId));
    const state = { state: 'lost', reason: 'the node knows nothing of it' } as const;
    for (const sandboxId of ran) if (!known.has(sandboxId)) lifecycle.apply({ sandboxId, state });
    // Of a start whose answer was lost, or a deletion that never came there.
    for (const id of unwantedOf([...known], registry.entries(), mayBeWanted)) void discard(id, this.#options);
  }

  #end(id: string): void {
    const { agent, log } = this.#options;
    agent
      .stop(id, { grace: 0, keepFiles: true })
      .catch((err) => log.error({ err, sandbox: id }, 'cannot end what nobody wants'));
  }
}
