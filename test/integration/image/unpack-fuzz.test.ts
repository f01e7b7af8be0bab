import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { fuzzUnpack } from '../../fuzz/unpack.ts';
import { buildGuest } from '../../helpers/guest/guest-programs.ts';

beforeAll(buildGuest);

it('whatever a tar is, nothing outside is touched, and only errors of ours come', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      expect(await fuzzUnpack(seed, (round) => round < 25)).toBe(25);
    }),
    { numRuns: 10 },
  );
});
