import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  assertEnoughDescriptors,
  Descriptors,
  descriptorLimit,
} from '../../../src/core/model/failure/descriptors.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const before = descriptorLimit()!;
const limit = (soft: number): void =>
  void execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`]);
const taken: number[] = [];

beforeEach(() => {
  for (let at = 0; at < 60; at++) taken.push(openSync('/dev/null', 'r'));
});
afterEach(() => {
  for (const file of taken.splice(0)) closeSync(file);
  limit(before);
});

it('refuses boots first, then streams, and nothing any more when there are more', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
  const clock = createManualClock();
  const top = taken.at(-1)! + 1;
  limit(top + 50);
  const descriptors = new Descriptors(clock, log);
  const refused = () =>
    (['boot', 'stream'] as const).filter((what) => {
      try {
        descriptors.assertFor(what);
        return false;
      } catch (error) {
        expect(error).toMatchObject({
          code: 'no_capacity',
          message: `the core has too many files open (its limit is ${top + 50})`,
          hint: expect.stringContaining('raise the limit of open files'),
        });
        return true;
      }
    });
  const take = (count: number): void => {
    for (let at = 0; at < count; at++) taken.push(openSync('/dev/null', 'r'));
  };
  expect([refused(), descriptors.isScarce]).toEqual([[], false]);
  take(33);
  expect([refused(), descriptors.isScarce]).toEqual([['boot'], false]);
  take(8);
  expect([refused(), descriptors.isScarce]).toEqual([['boot', 'stream'], true]);
  expect(lines).toEqual([{ level: 40, limit: top + 50, refused: 1, msg: 'too many files are open' }]);
  await clock.advance(60_000);
  refused();
  expect(lines.slice(1)).toMatchObject([{ refused: 3 }]);
  for (;;)
    try {
      take(1);
    } catch {
      break;
    }
  expect([refused(), descriptors.isScarce]).toEqual([['boot', 'stream'], true]);
  for (const file of taken.splice(-30)) closeSync(file);
  limit(top + 200);
  take(30);
  expect([refused(), descriptors.isScarce]).toEqual([[], false]);
});

it('says what a core needs', () => {
  expect(() => assertEnoughDescriptors(63)).toThrow(
    'only 63 files may be open at a time, and a core needs 64',
  );
  expect(() => assertEnoughDescriptors(64)).not.toThrow();
});
