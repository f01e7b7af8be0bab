import type { Clock } from '../../src/core/model/clock.ts';

interface Timer {
  due: number;
  order: number;
  callback: () => void;
}

/** A clock that stands still until the test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves both times on and runs the timers that fall due on the way, in order of time; between two of them, and at
   * the end, everything that waits on settled promises runs first, so that a timer started by such code counts too.
   */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an administrator or NTP does. */
  jump(ms: number): void;
  /** Timers that are not yet due. */
  readonly pending: number;
}

export function createManualClock(start = 1_700_000_000_000): ManualClock {
  const timers = new Set<Timer>();
  let elapsed = 0;
  let shift = start;
  let order = 0;

  const nextDue = (limit: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.due > limit) continue;
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order))
        first = timer;
    }
    return first;
  };

  return {
    now: () => shift + elapsed,
    monotonic: () => elapsed,
    after(ms, callback) {
      order += 1;
      const timer = { due: elapsed + Math.max(0, ms), order, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const target = elapsed + ms;
      await settle();
      for (let timer = nextDue(target); timer; timer = nextDue(target)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.due);
        timer.callback();
        await settle();
      }
      elapsed = target;
    },
    jump(ms) {
      shift += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Lets everything run that only waits for promises: the callback of setImmediate comes after all microtasks. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
