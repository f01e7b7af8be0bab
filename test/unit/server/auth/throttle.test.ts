import { expect, it } from 'vitest';
import { CALLS, Throttle } from '../../../../src/core/server/auth/throttle.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

it('takes ten failures of an address, then one every six seconds', async () => {
  const clock = createManualClock();
  const throttle = new Throttle(clock);
  const fail = (address = '192.0.2.1') => throttle.count(address)?.code;
  for (let i = 0; i < 10; i++) expect(fail()).toBeUndefined();
  expect(fail()).toBe('no_capacity');
  expect(throttle.count('192.0.2.1')).toMatchObject({ hint: 'Try again in 6s.', retryAfter: 6 });
  expect(fail('::ffff:192.0.2.1')).toBe('no_capacity');
  expect(fail('192.0.2.2')).toBeUndefined();
  await clock.advance(6000);
  expect(fail()).toBeUndefined();
  expect(fail()).toBe('no_capacity');
  await clock.advance(60_000);
  for (let i = 0; i < 10; i++) expect(fail()).toBeUndefined();
});

it('takes the addresses of one IPv6 network for one', () => {
  const throttle = new Throttle(createManualClock());
  for (let i = 0; i < 10; i++) expect(throttle.count(`2001:db8:1:2::${i}`)).toBeUndefined();
  expect(throttle.count('2001:db8:1:2:aaaa::1')?.code).toBe('no_capacity');
  expect(throttle.count('2001:db8:1:3::1')).toBeUndefined();
  expect(throttle.count('2001:db8::1')).toBeUndefined();
});

it('takes two thousand calls of a caller, then five hundred a second', async () => {
  const clock = createManualClock();
  const throttle = new Throttle(clock, CALLS);
  const call = (name = 'ci') => throttle.count(name);
  for (let i = 0; i < 2000; i++) expect(call()).toBeUndefined();
  expect(call()).toMatchObject({
    code: 'no_capacity',
    message: 'too many calls of ci',
    hint: 'Try again in 1s.',
  });
  expect(call('other')).toBeUndefined();
  await clock.advance(1000);
  for (let i = 0; i < 500; i++) expect(call()).toBeUndefined();
  expect(call()?.code).toBe('no_capacity');
});

it('forgets the oldest of too many addresses', () => {
  const throttle = new Throttle(createManualClock());
  for (let i = 0; i < 10; i++) throttle.count('192.0.2.1');
  for (let i = 0; i < 4096; i++) throttle.count(`10.0.${i >> 8}.${i & 255}`);
  expect(throttle.count('192.0.2.1')).toBeUndefined();
});
