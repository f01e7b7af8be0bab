import { describe, it } from 'vitest';
import { crashAt } from '../../../helpers/core/crash/crash.ts';
import { failpointNames } from '../../../helpers/core/crash/failpoint-names.ts';
import { poolScenarios } from '../../../helpers/core/crash/pool-scenarios.ts';
import { casesOf } from '../../../helpers/core/crash/scenario.ts';

describe.each(poolScenarios)('a core that is killed in: $name', (scenario) => {
  it.each(casesOf(failpointNames(), scenario))('at %s', (name) => crashAt(name, scenario), 60_000);
});
