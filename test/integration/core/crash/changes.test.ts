import { describe, it } from 'vitest';
import { changeScenarios } from '../../../helpers/core/crash/change-scenarios.ts';
import { crashAt } from '../../../helpers/core/crash/crash.ts';
import { failpointNames } from '../../../helpers/core/crash/failpoint-names.ts';
import { casesOf } from '../../../helpers/core/crash/scenario.ts';

describe.each(changeScenarios)('a core that is killed in: $name', (scenario) => {
  it.each(casesOf(failpointNames(), scenario))('at %s', (name) => crashAt(name, scenario), 60_000);
});
