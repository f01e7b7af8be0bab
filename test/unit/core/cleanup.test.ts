import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Cleanup } from '../../../src/core/cleanup.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const hangs = (): Promise<never> => new Promise(() => {});

function cleanupOf(steps: Record<string, () => unknown>) {
  const clock = createManualClock();
  const said: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => said.push(line) });
  const cleanup = new Cleanup(log, clock);
  const begun: string[] = [];
  for (const [what, close] of Object.entries(steps))
    cleanup.add(what, () => {
      begun.push(what);
      return close();
    });
  let isOver = false;
  const run = (): void =>
    void cleanup.run().then(() => {
      isOver = true;
    });
  return { clock, said, begun, run, isOver: () => isOver };
}

describe('the end of a core', () => {
  it('closes what was opened last first, each once and after the one before, also when one fails', async () => {
    let finish = (): void => {};
    const slow = (): Promise<void> =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const fails = (): never => {
      throw new Error('torn');
    };
    const { clock, said, begun, run, isOver } = cleanupOf({ lock: () => {}, records: fails, agent: slow });
    run();
    run();
    await clock.advance(1_000);
    expect([begun, isOver()]).toEqual([['agent'], false]);
    finish();
    await clock.advance(0);
    expect([begun, isOver()]).toEqual([['agent', 'records', 'lock'], true]);
    expect(said.join()).toContain('torn');
    expect(clock.pending).toBe(0);
  });

  it('is within half a minute (docs/reliability.md), in order, when nothing ends', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `part ${index}`);
    const { clock, said, begun, run, isOver } = cleanupOf(
      Object.fromEntries(names.map((name) => [name, hangs])),
    );
    run();
    await clock.advance(24_999);
    expect([begun, isOver()]).toEqual([['part 9'], false]);
    await clock.advance(5_001);
    expect([begun, isOver()]).toEqual([names.reverse(), true]);
    expect(said.map((line) => (JSON.parse(line) as { what: string }).what)).toEqual(names);
  });

  it('lets what ends at once end, although the time was up before', async () => {
    const { clock, said, run, isOver } = cleanupOf({ lock: async () => {}, agent: hangs });
    run();
    await clock.advance(25_000);
    expect(isOver()).toBe(true);
    expect(said).toHaveLength(1);
  });
});
