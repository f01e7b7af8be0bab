import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoolModel, type Step, stepArbitrary } from '../../helpers/pool-model.ts';

/** One pool, one list of steps; the model checks the pool after every step. */
async function run(steps: readonly Step[], options: { faults: boolean }): Promise<void> {
  const model = new PoolModel(options);
  for (const step of steps) await model.take(step);
  await model.end();
}

describe('a pool under random steps', () => {
  it('keeps its promises while boots fail and hang, instances die and callers leave', async () => {
    const steps = fc.array(stepArbitrary({ faults: true }), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(steps, (list) => run(list, { faults: true })),
      { numRuns: 300 },
    );
  });

  it('leaves nobody waiting who could be served, and serves in order', async () => {
    const steps = fc.array(stepArbitrary({ faults: false }), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(steps, (list) => run(list, { faults: false })),
      { numRuns: 300 },
    );
  });

  it.each([true, false])('does so for 10,000 steps of one life, faults %s', async (faults) => {
    const steps = fc.sample(stepArbitrary({ faults }), { numRuns: 10_000, seed: 20_261_123 });
    expect(steps).toHaveLength(10_000);
    await run(steps, { faults });
  });
});
