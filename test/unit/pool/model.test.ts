import fc from 'fast-check';
import { describe, it } from 'vitest';
import { PoolModel } from '../../helpers/pool/pool-model.ts';
import { type Step, type StepOptions, stepArbitrary } from '../../helpers/pool/pool-steps.ts';

/** One pool, one list of steps; the model checks the pool after every step. */
async function run(steps: readonly Step[], options: StepOptions): Promise<void> {
  const model = new PoolModel(options);
  for (const step of steps) await model.take(step);
  await model.end();
}

/** Milliseconds; a machine that is busy with other tests takes its time. */
const LIMIT = 120_000;

const modes: [string, StepOptions][] = [
  ['while all goes well', { faults: false, powers: false }],
  ['while boots fail and hang, instances die and callers leave', { faults: true, powers: false }],
  ['while it is configured, stopped, drained and started, and used again', { faults: false, powers: true }],
  ['while all of that happens', { faults: true, powers: true }],
];

describe('a pool under random steps keeps its promises', () => {
  it.each(modes)(
    '%s',
    async (_, options) => {
      const steps = fc.array(stepArbitrary(options), { minLength: 1, maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(steps, (list) => run(list, options)),
        { numRuns: 200 },
      );
    },
    LIMIT,
  );

  it.each(modes)(
    'for thousands of steps of one life, %s',
    async (_, options) => {
      const numRuns = options.powers ? 4_000 : 10_000;
      await run(fc.sample(stepArbitrary(options), { numRuns, seed: 20_261_123 }), options);
    },
    LIMIT,
  );
});
