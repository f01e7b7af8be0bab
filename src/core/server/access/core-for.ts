import type { Served } from '../served.ts';
import { agentFor } from './agent-for.ts';
import { type Guard, guardPart, isFree } from './guard-part.ts';
import { tables } from './tables.ts';

/**
 * The core as one caller has it. Everything that serves callers takes theirs from here, and checks nothing itself.
 * Closing it closes nothing: it is not the caller's to close.
 */
export function coreFor(core: Served, guard: Guard): Served {
  if (isFree(guard)) return core;
  const close = async (): Promise<void> => {};
  // Each part when it is asked for: a call needs one of them.
  return {
    get sandboxes() {
      return guardPart('sandboxes', core.sandboxes, tables.sandboxes, guard);
    },
    get pools() {
      return guardPart('pools', core.pools, tables.pools, guard);
    },
    get images() {
      return guardPart('images', core.images, tables.images, guard);
    },
    get system() {
      return guardPart('system', core.system, tables.system, guard);
    },
    get agent() {
      return core.agent && agentFor(core.agent, guard);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
