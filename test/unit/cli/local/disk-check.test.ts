import { expect, it } from 'vitest';
import { diskCheck } from '../../../../src/cli/local/doctor/disk-check.ts';

const GIB = 1024 ** 3;

it.each([
  [{ free: 10 * GIB, total: 100 * GIB }, true, /^$/],
  [{ free: 2 * GIB, total: 100 * GIB }, true, /nearly full.*fsb-ctl system df -v.*fsb-ctl system prune/],
  [{ free: GIB / 2, total: 100 * GIB }, false, /^Free at least 1GiB.*fsb-ctl system df -v/],
  [{ free: 1.5 * GIB, total: 1.8 * GIB }, true, /^$/],
  [{ free: GIB / 4, total: GIB / 2 }, false, /^The disk is small.*FSB_ROOT/],
])('%j', (room, ok, hint) => {
  const check = diskCheck('/state', room);
  expect([check.ok, check.hint]).toEqual([ok, expect.stringMatching(hint)]);
});
