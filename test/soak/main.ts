/** `npm run soak -- [--minutes N] [--seed N]`: see ./soak.ts. The seed repeats the choices, not their moments. */
import { parseArgs } from 'node:util';
import { positive, wordsOr } from '../helpers/usage-error.ts';
import { soak } from './soak.ts';

const USAGE = 'usage: npm run soak -- [--minutes N] [--seed N]';
const { values } = wordsOr(USAGE, () =>
  parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: `${Date.now()}` },
      help: { type: 'boolean', short: 'h' },
    },
  }),
);
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const minutes = positive(USAGE, '--minutes', values.minutes);
const seed = positive(USAGE, '--seed', values.seed);
const started = performance.now();
const seconds = (): string => `${Math.round((performance.now() - started) / 1000)}s`.padStart(5);
console.log(`seed ${seed}, ${minutes} minutes`);
const { problems, counts, before, after } = await soak({
  seed,
  minutes,
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
