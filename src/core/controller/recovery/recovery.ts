import type { SandboxEntry } from '../records/sandbox-entry.ts';
import { NodeWatch } from './node-watch.ts';
import { type ReconcileOptions, reconcile } from './reconcile.ts';
import { Recreations, type RecreationsParts } from './recreations.ts';
import { Resync } from './resync.ts';

export type RecoveryParts = Omit<ReconcileOptions, 'node'> & RecreationsParts;

/** Believes the node from the beginning on, also when the way to it breaks in between, and recreates what was lost. */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #recreations: Recreations;
  readonly #watch: NodeWatch;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    const { agent, lifecycle, clock, log } = parts;
    this.#recreations = new Recreations(parts);
    const resync = new Resync(parts);
    this.#watch = new NodeWatch({
      ...{ agent, clock, log },
      changed: (report) => lifecycle.apply(report),
      asked: () => resync.asked(),
    });
  }

  /** Brings the records in line with what the node really has, and goes on with what the last core was killed in. */
  async recover(): Promise<void> {
    const { agent, lifecycle, registry } = this.#parts;
    const { node } = await agent.facts();
    await reconcile(await this.#watch.first, { ...this.#parts, node });
    lifecycle.resume();
    for (const entry of registry.entries()) this.#recreations.resume(entry);
  }

  /** The time has come to recreate a lost one. */
  recreate(entry: SandboxEntry): void {
    this.#recreations.due(entry);
  }

  close(): void {
    this.#watch.close();
    this.#recreations.close();
  }
}
