import { appendFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { crashAt, passThrough } from './crash.ts';
import { casesOf, inTurn, passed, type Scenario } from './scenario.ts';

/** A file that is told what each scenario passes, a line of JSON for each: scripts for ./passed.json. */
const RECORD = process.env.FSB_TEST_RECORD_CRASHES;

/** Milliseconds. */
const SETTLE = 2_500;

/** A test for each failpoint of each scenario, of those whose turn it is. */
export function describeCrashes(scenarios: readonly Scenario[]): void {
  const whole = RECORD ? scenarios : inTurn(scenarios);
  for (const scenario of scenarios) {
    const names = casesOf(scenario);
    if (names.length === 0 && !whole.includes(scenario)) continue;
    describe(`a core that is killed in: ${scenario.name}`, () => {
      if (whole.includes(scenario))
        it('passes the failpoints that are on record, when it is not', () => passes(scenario), 60_000);
      it.each(names)('at %s', (name) => crashAt(name, scenario), 60_000);
    });
  }
}

async function passes(scenario: Scenario): Promise<void> {
  const expected = passed[scenario.name] ?? [];
  const seen = await passThrough(RECORD ? [] : expected, scenario, RECORD ? SETTLE : 0);
  if (RECORD) await appendFile(RECORD, `${JSON.stringify([scenario.name, seen])}\n`);
  else expect(seen).toEqual(expected);
}
