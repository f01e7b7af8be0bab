/**
 * What the parts of one core count while they work: plain numbers, for whoever gathers metrics to read. Counting costs an
 * addition; each number only rises.
 */
export interface LogTally {
  /** Bytes of output that were written to logs of sandboxes. */
  written: number;
  /** Bytes of output that no log has: they could not be written, or were lost before they came. */
  missing: number;
  /** Writes that failed; what they held may have been written later. */
  failures: number;
}

export interface StoreTally {
  /** Writes of records that were asked for. */
  writes: number;
  failures: number;
}

export interface GuestTally {
  /** Guests that ended, or could not be reached any more, although nobody had asked for it. */
  lost: number;
  /** Those of them that said what the protocol forbids. */
  violations: number;
}

export interface Tally {
  readonly logs: LogTally;
  readonly store: StoreTally;
  readonly guests: GuestTally;
}

export const newTally = (): Tally => ({
  logs: { written: 0, missing: 0, failures: 0 },
  store: { writes: 0, failures: 0 },
  guests: { lost: 0, violations: 0 },
});
