import type { CoreApi } from '../../core/api/core-api.ts';
import type { Clock } from '../../core/model/clock.ts';

/** Milliseconds that a command may take before the core is asked for a sign of life. */
const LONG = 5_000;
/** Milliseconds that it has for that; a busy one is slow. */
const PATIENCE = 3_000;

/**
 * Calls `tell` once when the command takes long and it is the core that does not answer anything: what waits for a sandbox
 * or for an image waits on.
 * @returns ends it; idempotent
 */
export function whenSilent(core: CoreApi, clock: Clock, tell: () => unknown): () => void {
  const over = new AbortController();
  const cancel = clock.after(LONG, () => {
    const answered = clock.after(PATIENCE, tell);
    core.system.info({ signal: over.signal }).then(answered, answered);
  });
  return () => {
    cancel();
    over.abort();
  };
}
