import { expect, it } from 'vitest';
import { libFuzzer } from '../../fuzz/lib-fuzzer.ts';

it.each(['mark', 'frame', 'channel'])(
  'libFuzzer finds nothing in a second, from its corpus: %s',
  { timeout: 120_000 },
  async (name) => {
    expect(await libFuzzer(name)(1, 1)).toBeGreaterThan(0);
  },
);
