import type { LocalCore } from '../local-core.ts';

/** Something wrong on this machine that we can put right. */
export interface Fault {
  /** What is done about it: `remove the sockets of a core that was killed`. */
  remedy: string;
  fix(): Promise<unknown>;
}

/** Looks, and changes nothing. */
export type FindFaults = (
  local: LocalCore,
  ground: { running: boolean; version: string },
) => Promise<Fault[]>;
