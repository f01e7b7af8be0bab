/**
 * `npm run soak -- [--minutes N] [--cycles N] [--seed N]`: see ./soak.ts; it ends with the minutes or the cycles, whichever
 * are over first. The seed (or FSB_TEST_SEED) repeats the choices, not their moments.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { positive, wordsOr } from '../helpers/usage-error.ts';
import { soak } from './soak.ts';

const USAGE = 'usage: npm run soak -- [--minutes N] [--cycles N] [--seed N]';
const { values } = wordsOr(USAGE, () =>
  parseArgs({
    options: {
      minutes: { type: 'string' },
      cycles: { type: 'string' },
      seed: { type: 'string', default: process.env.FSB_TEST_SEED ?? `${randomInt(1, 2 ** 31)}` },
      help: { type: 'boolean', short: 'h' },
    },
  }),
);
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const cycles = values.cycles === undefined ? undefined : positive(USAGE, '--cycles', values.cycles);
const minutes =
  values.minutes === undefined && cycles !== undefined
    ? undefined
    : positive(USAGE, '--minutes', values.minutes ?? '5');
const seed = positive(USAGE, '--seed', values.seed);
const started = performance.now();
const seconds = (): string => `${Math.round((performance.now() - started) / 1000)}s`.padStart(5);
const ends = [cycles && `${cycles} cycles`, minutes && `${minutes} minutes`].filter(Boolean).join(' or ');
console.log(`seed ${seed}, ${ends}`);
const { problems, counts, before, after } = await soak({
  ...{ seed, minutes, cycles },
  say: (line) => console.log(`${seconds()}  ${line}`),
});
console.table(counts);
console.table(
  Object.fromEntries(Object.keys(after).map((name) => [name, { before: before[name], after: after[name] }])),
);
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? 'nothing lost, nothing leaked' : `${problems.length} problems, with seed ${seed}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
