import { expect, it } from 'vitest';
import { fuzzDecompress } from '../../fuzz/decompress.ts';

it('whatever a compressed stream is, only errors of ours come, and nothing stays open', {
  timeout: 120_000,
}, async () => {
  for (const seed of [1, 2, 3]) expect(await fuzzDecompress(seed, (round) => round < 30)).toBe(30);
});
