import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/core/tools/pool/turns.ts';
import { settle } from '../../helpers/manual-clock.ts';

/** Of a caller who stays. */
const forever = (): AbortSignal => new AbortController().signal;

describe('turns', () => {
  it('are one at a time in a sandbox, in order, and side by side in two', async () => {
    const turns = new Turns();
    const began: string[] = [];
    const take = async (sandbox: string, name: string) => {
      const end = await turns.take(sandbox, forever());
      began.push(name);
      return end;
    };
    const calls = [take('a', 'a1'), take('a', 'a2'), take('b', 'b1'), take('a', 'a3')];
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
    const end = await turns.take('a', forever());
    const leaving = new AbortController();
    const left = turns.take('a', leaving.signal);
    left.catch(() => {});
    const last = turns.take('a', forever());
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    end();
    (await last)();
    (await turns.take('a', forever()))();
  });

  it('are refused when too many wait', async () => {
    const turns = new Turns();
    const ends = [turns.take('a', forever())];
    for (let waiting = 0; waiting < 32; waiting++) ends.push(turns.take('a', forever()));
    await expect(turns.take('a', forever())).rejects.toMatchObject({ code: 'conflict' });
    for (const end of ends) (await end)();
    (await turns.take('a', forever()))();
  });
});
