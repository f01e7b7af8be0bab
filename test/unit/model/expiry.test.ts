import { describe, expect, it } from 'vitest';
import { Expiry } from '../../../src/core/model/expiry.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const HOUR = 3_600_000;

function world() {
  const clock = createManualClock();
  const expired: string[] = [];
  const expiry = new Expiry(clock, (id) => expired.push(id));
  return { clock, expired, expiry };
}

describe('a span', () => {
  it.each([HOUR, -HOUR])('is as long as it is when the wall clock jumps by %d ms', async (jump) => {
    const { clock, expired, expiry } = world();
    expiry.set('a', { monotonic: clock.monotonic() + 60_000 });
    await clock.advance(30_000);
    clock.jump(jump);
    expiry.set('b', { monotonic: clock.monotonic() + 60_000 });
    await clock.advance(29_999);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['a']);
    await clock.advance(30_000);
    expect(expired).toEqual(['a', 'b']);
    expect(clock.pending).toBe(0);
  });
});

describe('a moment', () => {
  it('comes when the wall clock is there', async () => {
    const { clock, expired, expiry } = world();
    expiry.set('a', { wall: clock.now() + HOUR });
    await clock.advance(HOUR - 1);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });

  it('comes later by what the wall clock is set back', async () => {
    const { clock, expired, expiry } = world();
    expiry.set('a', { wall: clock.now() + 60_000 });
    clock.jump(-HOUR);
    await clock.advance(HOUR + 59_999);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['a']);
  });

  it('is over within ten seconds when the wall clock jumps beyond it', async () => {
    const { clock, expired, expiry } = world();
    expiry.set('near', { wall: clock.now() + 60_000 });
    expiry.set('far', { wall: clock.now() + 2 * HOUR });
    clock.jump(HOUR);
    await clock.advance(10_000);
    expect(expired).toEqual(['near']);
  });

  it('moves no span beside it', async () => {
    const { clock, expired, expiry } = world();
    expiry.set('moment', { wall: clock.now() + 60_000 });
    expiry.set('span', { monotonic: clock.monotonic() + 15_000 });
    clock.jump(HOUR);
    await clock.advance(14_999);
    expect(expired).toEqual(['moment']);
    await clock.advance(1);
    expect(expired).toEqual(['moment', 'span']);
  });
});

it('forgets what has no deadline any more', async () => {
  const { clock, expired, expiry } = world();
  expiry.set('a', { wall: clock.now() });
  expiry.set('a', undefined);
  await clock.advance(HOUR);
  expect(expired).toEqual([]);
  expect(clock.pending).toBe(0);
});

it('sets no timer any more once it is closed', async () => {
  const { clock, expired, expiry } = world();
  expiry.set('a', { monotonic: clock.monotonic() + 1 });
  expiry.close();
  expiry.set('b', { monotonic: clock.monotonic() + 1 });
  expect(clock.pending).toBe(0);
  await clock.advance(HOUR);
  expect(expired).toEqual([]);
});
