import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/core/model/async/turns.ts';
import { settle } from '../../helpers/manual-clock.ts';

describe('turns', () => {
  it('are one at a time for a key, in order, and side by side for two', async () => {
    const turns = new Turns();
    const began: string[] = [];
    const enter = async (key: string, name: string) => {
      const end = await turns.enter(key);
      began.push(name);
      return end;
    };
    const calls = [enter('a', 'a1'), enter('a', 'a2'), enter('b', 'b1'), enter('a', 'a3')];
    await settle();
    expect(began).toEqual(['a1', 'b1']);
    (await calls[0]!)();
    await settle();
    expect(began).toEqual(['a1', 'b1', 'a2']);
    const end = await calls[1]!;
    end();
    end();
    await settle();
    expect(began).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('pass by a caller who left while it waited', async () => {
    const turns = new Turns();
    const end = await turns.enter('a');
    const leaving = new AbortController();
    const left = turns.enter('a', leaving.signal);
    left.catch(() => {});
    const last = turns.enter('a');
    expect(turns.waiting('a')).toBe(2);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    end();
    (await last)();
    (await turns.enter('a'))();
  });

  it('go on to the next one when the caller leaves in the moment of its turn', async () => {
    const turns = new Turns();
    const end = await turns.enter('a');
    const leaving = new AbortController();
    const left = turns.enter('a', leaving.signal);
    left.catch(() => {});
    end();
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    (await turns.enter('a'))();
  });

  it('never let more in than may be, whoever leaves when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(5)), async (atOnce, steps) => {
        const turns = new Turns(atOnce);
        let inside = 0;
        const ends: (() => void)[] = [];
        const leavers: AbortController[] = [];
        for (const step of steps) {
          const leaver = new AbortController();
          leavers.push(leaver);
          turns.enter('a', leaver.signal).then(
            (end) => {
              inside += 1;
              expect(inside).toBeLessThanOrEqual(atOnce);
              ends.push(() => {
                inside -= 1;
                end();
              });
            },
            () => {},
          );
          if (step === 0) ends.shift()?.();
          if (step === 1) leavers[Math.floor(leavers.length / 2)]!.abort();
          if (step === 2) await settle();
        }
        for (await settle(); ends.length > 0; await settle()) ends.shift()!();
        expect(turns.waiting('a')).toBe(0);
        (await turns.enter('a'))();
      }),
    );
  });
});
