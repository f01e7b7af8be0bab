import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../helpers/manual-clock.ts';

describe('the manual clock', () => {
  it('runs due timers in order of time, also those that start on the way', async () => {
    const clock = createManualClock();
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.monotonic()}`);
    clock.after(30, note('c'));
    clock.after(10, async () => {
      note('a')();
      await Promise.resolve();
      clock.after(5, note('b'));
    });
    clock.after(31, note('late'));
    clock.after(20, note('cancelled'))();
    await clock.advance(30);
    expect(seen).toEqual(['a@10', 'b@15', 'c@30']);
    expect(clock.pending).toBe(1);
  });

  it('keeps the two times apart', async () => {
    const clock = createManualClock(1_000);
    clock.jump(-500);
    await clock.advance(7);
    expect([clock.now(), clock.monotonic()]).toEqual([507, 7]);
  });
});
