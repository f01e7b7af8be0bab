import { expect, it } from 'vitest';
import { assertWithin } from '../../../src/core/model/sandbox/node-limits.ts';

const node = { cores: 2, pids: 32_768 };
const update = 'What a sandbox has is changed with: fsb-ctl update NAME';

it.each([
  [{ cpus: 99 }, false, 'Give a --cpus from 0.01 to 2, or leave it out.'],
  [{ cpus: 0.001 }, false, 'Give a --cpus from 0.01 to 2, or leave it out.'],
  [{ pids: 40_000 }, false, 'Give a --pids from 1 to 32768, or leave it out.'],
  [{ cpus: 99 }, true, `${update} --cpus 2`],
  [{ pids: 40_000 }, true, `${update} --pids 32768`],
])('%j is too much, kept from earlier: %j', (asked, isKept, hint) => {
  expect(() => assertWithin(asked, node, isKept)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', hint }),
  );
});

it('all that the node has is not too much', () => {
  expect(() => assertWithin({ cpus: 2, pids: 32_768 }, node)).not.toThrow();
});
