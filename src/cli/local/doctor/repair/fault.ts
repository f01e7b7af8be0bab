import type { LocalCore } from '../../daemon/local-core.ts';

/** Something wrong on this machine that we can put right. */
export interface Fault {
  /** What is done about it: `remove the sockets of a core that was killed`. */
  remedy: string;
  /** Nothing is wrong yet: the first core does it by itself. Not a word without --fix. */
  usual?: boolean;
  /** @param signal ends what would run on without us */
  fix(signal: AbortSignal): Promise<unknown>;
}

/** Looks, and changes nothing. */
export type FindFaults = (
  local: LocalCore,
  ground: { running: boolean; version: string },
) => Promise<Fault[]>;
