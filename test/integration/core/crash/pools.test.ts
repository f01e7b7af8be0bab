import { describe, it } from 'vitest';
import { crashAt } from '../../../helpers/core/crash/crash.ts';
import { failpointNames } from '../../../helpers/core/crash/failpoint-names.ts';
import { poolScenarios } from '../../../helpers/core/crash/pool-scenarios.ts';
import { isCovered } from '../../../helpers/core/crash/scenario.ts';

describe.each(poolScenarios)('a core that is killed in: $name', (scenario) => {
  it.each(failpointNames().filter((name) => isCovered(name, scenario)))(
    'at %s',
    (name) => crashAt(name, scenario),
    60_000,
  );
});
