import { appendFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Chain } from './chain.ts';
import { crashAt, passThrough } from './crash.ts';
import { casesOf, passed, type Scenario } from './scenario.ts';

/** A file that is told what each scenario passes, a line of JSON for each: scripts for ./passed.json. */
const RECORD = process.env.FSB_TEST_RECORD_CRASHES;

/** Milliseconds. */
const SETTLE = 2_500;

/** A test for each scenario, and for each of its failpoints that has its turn. */
export function describeCrashes(scenarios: readonly Scenario[]): void {
  const chain = new Chain();
  for (const scenario of scenarios)
    describe(`a core that is killed in: ${scenario.name}`, () => {
      it('passes the failpoints that are on record, when it is not', () => passes(scenario, chain), 60_000);
      it.each(casesOf(scenario))(
        'at %s',
        (name) => chain.run((cores) => crashAt(name, cores, scenario)),
        60_000,
      );
    });
  it('leaves nothing when all is over', async () => expect(await chain.end()).toEqual([]));
  // When that was left out.
  afterAll(async () => void (await chain.end()));
}

async function passes(scenario: Scenario, chain: Chain): Promise<void> {
  const expected = passed[scenario.name] ?? [];
  let seen: string[] = [];
  await chain.run(async (cores) => {
    seen = await passThrough(RECORD ? [] : expected, cores, scenario, RECORD ? SETTLE : 0);
  });
  if (RECORD) await appendFile(RECORD, `${JSON.stringify([scenario.name, seen])}\n`);
  else expect(seen).toEqual(expected);
}
