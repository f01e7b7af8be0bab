/** Time comes in through this seam, so that tests can move it and a jump of the wall clock moves no timer. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. For records and for people only. */
  now(): number;
  /**
   * Monotonic milliseconds, for durations and deadlines. The same in every process until the machine boots again, so
   * that a record may have one.
   */
  monotonic(): number;
  /** Calls back once after `ms`; the returned function cancels and is idempotent. Timers never keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

// setTimeout fires at once for delays above 2^31-1 ms; a longer wait is split.
const LONGEST_TIMEOUT = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  after(ms, callback) {
    const due = systemClock.monotonic() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - systemClock.monotonic();
      timer = setTimeout(
        left > LONGEST_TIMEOUT ? arm : callback,
        Math.min(Math.max(left, 0), LONGEST_TIMEOUT),
      );
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/**
 * As clock.after(), but what the kernel holds for this process is read first. After a stall of the event loop deadlines
 * fire before anything is read: an answer that came long ago must not count as missing.
 */
export function afterReading(clock: Clock, ms: number, callback: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const cancel = clock.after(ms, () => {
    turn = setImmediate(callback);
  });
  return () => {
    cancel();
    clearImmediate(turn);
  };
}
