import { describe, expect, it } from 'vitest';
import { Commits } from '../../../src/core/store/commits.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const never = (): Promise<void> => new Promise(() => {});
const fail = async (): Promise<never> => {
  throw new Error('the disk');
};

/** What came of a write so far. */
function watched(write: Promise<unknown>): { is: string } {
  const seen = { is: 'under way' };
  write.then(
    () => (seen.is = 'done'),
    (error: { code?: string }) => (seen.is = error.code ?? 'failed'),
  );
  return seen;
}

describe('commits of which nothing is heard', () => {
  it('are waited for as long as none has failed', async () => {
    const clock = createManualClock();
    const slow = watched(new Commits(clock).run(never));
    await clock.advance(3_600_000);
    expect([slow.is, clock.pending]).toEqual(['under way', 0]);
  });

  it.each(['begun before', 'begun after'])('end ten seconds after one that failed (%s)', async (when) => {
    const clock = createManualClock();
    const commits = new Commits(clock);
    const early = when === 'begun before' ? [watched(commits.run(never))] : [];
    await expect(commits.run(fail)).rejects.toThrow('the disk');
    const all = early.length > 0 ? early : [watched(commits.run(never))];
    await clock.advance(9_999);
    expect([all[0]!.is, commits.areOver]).toEqual(['under way', false]);
    await clock.advance(1);
    expect([all[0]!.is, commits.areOver]).toEqual(['unavailable', true]);
    await expect(commits.run(fail)).rejects.toMatchObject({ code: 'unavailable' });
    expect(clock.pending).toBe(0);
  });

  it('are waited for again when one went well', async () => {
    const clock = createManualClock();
    const commits = new Commits(clock);
    await expect(commits.run(fail)).rejects.toThrow('the disk');
    await commits.run(async () => {});
    const slow = watched(commits.run(never));
    await clock.advance(3_600_000);
    expect([slow.is, clock.pending]).toEqual(['under way', 0]);
  });
});
