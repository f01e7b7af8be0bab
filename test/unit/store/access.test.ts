import { describe, expect, it } from 'vitest';
import { Access } from '../../../src/core/store/access.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const fine = (): void => {};
const never = (): Promise<void> => new Promise(() => {});
const panic = (): never => {
  throw new Error('MDB_PANIC: Update of meta page failed or environment had fatal error');
};
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
  it('are waited for a minute when none has failed', async () => {
    const clock = createManualClock();
    const access = new Access(clock, fine);
    const slow = watched(access.write(never));
    await clock.advance(59_999);
    expect([slow.is, access.isOver]).toEqual(['under way', false]);
    await clock.advance(1);
    expect([slow.is, access.isOver, clock.pending]).toEqual(['unavailable', true, 0]);
  });

  it('are waited for a minute anew when another one ends', async () => {
    const clock = createManualClock();
    const access = new Access(clock, fine);
    const slow = watched(access.write(never));
    await clock.advance(50_000);
    await access.write(async () => {});
    await clock.advance(59_999);
    expect([slow.is, access.isOver]).toEqual(['under way', false]);
  });

  it('leave no timer when they have ended', async () => {
    const clock = createManualClock();
    await new Access(clock, fine).write(async () => {});
    expect(clock.pending).toBe(0);
  });

  it.each(['begun before', 'begun after'])('end ten seconds after one that failed (%s)', async (when) => {
    const clock = createManualClock();
    const access = new Access(clock, fine);
    const early = when === 'begun before' ? [watched(access.write(never))] : [];
    await expect(access.write(fail)).rejects.toThrow('the disk');
    const all = early.length > 0 ? early : [watched(access.write(never))];
    await clock.advance(9_999);
    expect([all[0]!.is, access.isOver]).toEqual(['under way', false]);
    await clock.advance(1);
    expect([all[0]!.is, access.isOver]).toEqual(['unavailable', true]);
    await expect(access.write(fail)).rejects.toMatchObject({ code: 'unavailable' });
    expect(clock.pending).toBe(0);
  });

  it('are waited for as long again when one went well', async () => {
    const clock = createManualClock();
    const access = new Access(clock, fine);
    await expect(access.write(fail)).rejects.toThrow('the disk');
    await access.write(async () => {});
    const slow = watched(access.write(never));
    await clock.advance(59_999);
    expect([slow.is, access.isOver]).toEqual(['under way', false]);
  });
});

describe('an environment that LMDB has given up', () => {
  const over = {
    code: 'unavailable',
    message: expect.stringContaining('no record can be read or written any more'),
  };

  it('is told by the commit that fails: what is under way ends with it, and nothing is waited for', async () => {
    const clock = createManualClock();
    const access = new Access(clock, panic);
    const other = watched(access.write(never));
    await expect(access.write(fail)).rejects.toEqual(new Error('the disk'));
    expect(await access.over).toMatchObject({ ...over, cause: new Error('the disk') });
    expect([other.is, access.isOver, clock.pending]).toEqual(['unavailable', true, 0]);
    expect(() => access.read(() => 'x')).toThrow(expect.objectContaining(over));
  });

  it('is told by the next write, when the commit that failed was not yet the one', async () => {
    const clock = createManualClock();
    let probe = fine;
    const access = new Access(clock, () => probe());
    await expect(access.write(fail)).rejects.toThrow('the disk');
    expect(access.isOver).toBe(false);
    probe = panic;
    await expect(access.write(never)).rejects.toMatchObject(over);
  });

  it('leaves no reason that nobody heard of to end the process', async () => {
    const access = new Access(createManualClock(), panic);
    let tell = (_: Error): void => {};
    const commitError = new Promise<never>((_, reject) => {
      tell = reject;
    });
    const failed = Object.assign(new Error('Commit failed'), { commitError });
    let fail = (_: Error): void => {};
    const late = access.write(
      () =>
        new Promise<void>((_, reject) => {
          fail = reject;
        }),
    );
    late.catch(() => {});
    expect(() => access.read(panic)).toThrow(expect.objectContaining(over));
    await expect(late).rejects.toMatchObject(over);
    fail(failed);
    tell(new Error('the disk'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('is told by a read', async () => {
    const access = new Access(createManualClock(), fine);
    expect(() => access.read(panic)).toThrow(expect.objectContaining(over));
    await expect(access.write(async () => {})).rejects.toMatchObject(over);
  });
});

it('a read that fails otherwise is unavailable, and no end', () => {
  const access = new Access(createManualClock(), fine);
  const broken = (): never => {
    throw new Error('MDB_CORRUPTED');
  };
  const error = { code: 'unavailable', message: 'cannot read the records: MDB_CORRUPTED' };
  expect(() => access.read(broken)).toThrow(expect.objectContaining(error));
  expect([access.isOver, access.read(() => 'x')]).toEqual([false, 'x']);
});
