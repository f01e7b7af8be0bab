import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { CERTAIN } from '../../soak/ledger.ts';
import { soak } from '../../soak/soak.ts';

/** Five in CI. `npm run soak` is the same for longer. */
const MINUTES = Number(process.env.FSB_TEST_SOAK_MINUTES ?? 0.25);
/**
 * Milliseconds that a client of a long one rests between two cycles, about. CI has two cores, on which the rest of the suite
 * runs beside it: at four cycles a second it takes about a quarter of them; at full speed it would take all that there is,
 * and the deadlines of other tests with it.
 */
const PAUSE = MINUTES > 1 ? 3_000 : 0;
/** Another one each time; the name of the test says which. */
const SEED = Number(process.env.FSB_TEST_SEED ?? randomInt(1, 2 ** 31));

it(
  `keeps all promises and returns to the exact baseline, whoever is killed (seed ${SEED})`,
  async () => {
    const { problems, counts } = await soak({ seed: SEED, minutes: MINUTES, pause: PAUSE, say: () => {} });
    expect(problems).toEqual([]);
    const kinds = ['cycles', 'clients killed', 'guests killed', 'cores killed'];
    expect(kinds.filter((kind) => !counts[kind])).toEqual([]);
    // What a kill beside it excuses shows nothing: that must not be the rule.
    expect(counts[CERTAIN]).toBeGreaterThan(counts.cycles! / 4);
  },
  (MINUTES + 4) * 60_000,
);
