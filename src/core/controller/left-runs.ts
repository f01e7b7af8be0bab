import { isLive, type PhaseState } from '../model/phase.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Operations } from './operations.ts';
import type { SandboxEntry } from './sandbox-entry.ts';

export interface LeftRunsParts {
  operations: Pick<Operations, 'byItself'>;
  lifecycle: Pick<Lifecycle, 'remove'>;
  /** The core is stopping: the next one goes on. */
  signal: AbortSignal;
}

/**
 * Deletes each sandbox that goes with its run, as soon as it has ended: who was to do that has lost sight of it with the
 * last core. What somebody starts again first stays until its next end.
 */
export function removeLeftRuns(entries: readonly SandboxEntry[], parts: LeftRunsParts): void {
  // Somebody else has deleted it, or the core is stopping.
  for (const entry of entries) if (entry.sandbox.autoRemove) removeWhenOver(entry, parts).catch(() => {});
}

async function removeWhenOver(
  entry: SandboxEntry,
  { operations, lifecycle, signal }: LeftRunsParts,
): Promise<void> {
  while (!entry.gone && !signal.aborted) {
    await entry.until(({ state }) => isOver(state) || undefined, signal);
    await operations.byItself(entry, async () => {
      // One that fails is tried again by itself.
      if (isOver(entry.sandbox.state)) lifecycle.remove(entry, 0).gone.catch(() => {});
    });
    if (entry.deletion) return;
  }
}

/** Nobody's recreation, either. */
const isOver = (state: PhaseState): boolean =>
  !isLive(state.phase) && !(state.phase === 'Lost' && state.recreateAt !== undefined);
