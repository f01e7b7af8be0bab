import { describe, expect, it } from 'vitest';
import { UnpackBudget, type UnpackLimits } from '../../../src/core/image/unpack/budget.ts';

describe('the budget of an image', () => {
  it.each<[keyof UnpackLimits, string, (budget: UnpackBudget) => void]>([
    ['entries', 'entries', (budget) => [1, 2, 3, 4, 5].forEach(() => void budget.takeEntry())],
    ['bytes', 'unpack to more than 5 bytes', (budget) => budget.takeRead(5)],
    ['bytes', 'files of more than 5 bytes', (budget) => budget.takeWritten(5)],
    ['steps', 'steps', (budget) => budget.takeSteps(5)],
  ])('has so many %s, in all threads together', (limit, message, takeFive) => {
    const budget = UnpackBudget.of({ [limit]: 5 });
    takeFive(budget);
    const other = new UnpackBudget(structuredClone(budget.shared));
    expect(() => takeFive(other)).toThrow(message);
  });

  it('refuses also what no counter could hold', () => {
    for (const size of [2 ** 63, 2 ** 64, 2 ** 65, Number.MAX_SAFE_INTEGER])
      expect(() => UnpackBudget.of().takeWritten(size)).toThrow('more than');
  });
});
