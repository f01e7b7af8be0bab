import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fuzzTarIn } from '../../fuzz/tar-in.ts';

it('whatever a tar is, tar-in touches nothing outside, and ends with a reason', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      expect(await fuzzTarIn(seed, (round) => round < 25)).toBe(25);
    }),
    { numRuns: 6 },
  );
});
