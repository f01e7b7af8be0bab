/**
 * Runs a mode of fsb-launch (docs/decisions/launcher.md) to its end; `run` starts any program. Not by forking the core,
 * which would stop everything in it for milliseconds.
 * @throws run_failed (cannot be executed, deadline), or what the signal was aborted with; it has ended in any case
 */
export type Launch = (
  words: string[],
  options: { timeoutMs: number; signal?: AbortSignal },
) => Promise<Launched>;

export interface Launched {
  /** Null when a signal ended it. */
  code: number | null;
  /** The first 64 KiB. */
  stderr: string;
}
