import { expect, it } from 'vitest';
import { soak } from '../../soak/soak.ts';

/** `npm run soak` is the same for longer. */
const MINUTES = Number(process.env.FSB_TEST_SOAK_MINUTES ?? 0.25);
const SEED = Number(process.env.FSB_TEST_SEED ?? 1);

it(
  `keeps all promises and returns to the exact baseline, whoever is killed (seed ${SEED})`,
  async () => {
    const { problems, counts } = await soak({ seed: SEED, minutes: MINUTES, say: () => {} });
    expect(problems).toEqual([]);
    const kinds = ['cycles', 'clients killed', 'guests killed', 'cores killed'];
    expect(kinds.filter((kind) => !counts[kind])).toEqual([]);
  },
  (MINUTES + 4) * 60_000,
);
