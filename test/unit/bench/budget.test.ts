import { expect, it } from 'vitest';
import { budgetCell } from '../../bench/figures/budget.ts';
import { figures } from '../../bench/figures/stats.ts';

const row = (name: string, samples: number[], budget?: string) =>
  figures(name, { samples, failures: 0 }, { budget });
const others = [row('process: node -e 0', [20]), row('docker exec (true), whole process', [80])];

it.each([
  [[1, 2, 12], undefined, ''],
  [[1, 2, 12], 'p50 2.5, p99 12', 'p50 2.5, p99 12: met'],
  [[1, 2, 13], 'p50 2.5, p99 12', '**p50 2.5, p99 12: over**'],
  [[5], '< 5', '**< 5: over**'],
  [[5], '<= 5', '<= 5: met'],
  [[39], '>= 40', '**>= 40: over**'],
  [[60], '3 x node -e 0', '3 x node -e 0: met'],
  [[61], '3 x node -e 0', '**3 x node -e 0: over**'],
  [[70], '1 x docker exec (true), whole process', '1 x docker exec (true), whole process: met'],
  [[70], '1 x podman exec', '1 x podman exec: not compared'],
  [[], 'p50 3', '**p50 3: over**'],
])('%j under the budget %s: %s', (samples, budget, cell) => {
  expect(budgetCell(row('it', samples, budget), others)).toBe(cell);
});

it('a budget that nobody can read is an error, not one that is met', () => {
  expect(() => budgetCell(row('it', [1], 'fast'), others)).toThrow('the budget fast');
});
