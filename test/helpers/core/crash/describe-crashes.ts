import { describe, it } from 'vitest';
import { crashAt } from './crash.ts';
import { failpointNames } from './failpoint-names.ts';
import { casesOf, type Scenario } from './scenario.ts';

/** A test for each failpoint of each scenario. */
export function describeCrashes(scenarios: readonly Scenario[]): void {
  describe.each(scenarios)('a core that is killed in: $name', (scenario) => {
    it.each(casesOf(failpointNames(), scenario))('at %s', (name) => crashAt(name, scenario), 60_000);
  });
}
