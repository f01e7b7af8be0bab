import { expect, it } from 'vitest';
import { differences } from '../../soak/baseline.ts';

const HEAP = 'heap of the core';

it('the baseline must be the same, but for a heap that is smaller or up to a tenth larger', () => {
  const before = { children: 2, files: 10, [HEAP]: 1_000 };
  expect(differences(before, { ...before, [HEAP]: 1_100 })).toEqual([]);
  expect(differences(before, { ...before, [HEAP]: 5 })).toEqual([]);
  expect(differences(before, { ...before, [HEAP]: 1_101 })).toEqual([`${HEAP}: 1000 before, 1101 after`]);
  expect(differences(before, { ...before, files: 9 })).toEqual(['files: 10 before, 9 after']);
  expect(differences(before, { children: 2, [HEAP]: 1_000 })).toEqual(['files: 10 before, 0 after']);
  expect(differences(before, { ...before, sockets: 1 })).toEqual(['sockets: 0 before, 1 after']);
});
