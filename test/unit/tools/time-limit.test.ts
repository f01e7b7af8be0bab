import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { timeLimit } from '../../../src/core/tools/run/time-limit.ts';
import { createManualClock, settle } from '../../helpers/manual-clock.ts';

describe('a time limit', () => {
  it('is over at its deadline', async () => {
    const clock = createManualClock();
    const limit = timeLimit(clock, 1000, new AbortController().signal);
    await clock.advance(999);
    expect(limit.signal.aborted).toBe(false);
    await clock.advance(1);
    await limit.over;
    expect(limit.signal.aborted).toBe(true);
  });

  it.each(['before', 'after'])('is over when the caller leaves %s it was made', async (when) => {
    const caller = new AbortController();
    if (when === 'before') caller.abort();
    const limit = timeLimit(createManualClock(), 1000, caller.signal);
    caller.abort();
    await limit.over;
    expect(limit.signal.aborted).toBe(true);
    limit.cancel();
  });

  it('leaves nothing behind once it is cancelled, even if somebody waited for it', async () => {
    const clock = createManualClock();
    const caller = new AbortController();
    const made = (): WeakRef<AbortSignal> => {
      const limit = timeLimit(clock, 1000, caller.signal);
      void limit.over.then(() => {});
      limit.cancel();
      return new WeakRef(limit.signal);
    };
    const signals = Array.from({ length: 10 }, made);
    // What a job has seen of a weak reference stays until the job ends.
    await settle();
    collectGarbage();
    expect(signals.filter((signal) => signal.deref() !== undefined)).toEqual([]);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
