import { describe, expect, it } from 'vitest';
import { changeScenarios } from '../helpers/core/crash/change-scenarios.ts';
import { failpointNames } from '../helpers/core/crash/failpoint-names.ts';
import { imageScenarios } from '../helpers/core/crash/image-scenarios.ts';
import { poolScenarios } from '../helpers/core/crash/pool-scenarios.ts';
import { recoveryScenarios } from '../helpers/core/crash/recovery-scenarios.ts';
import { sandboxScenarios } from '../helpers/core/crash/sandbox-scenarios.ts';
import { isCovered } from '../helpers/core/crash/scenario.ts';

const scenarios = [
  ...sandboxScenarios,
  ...changeScenarios,
  ...recoveryScenarios,
  ...poolScenarios,
  ...imageScenarios(() => {
    throw new Error('no registry is needed here');
  }),
];

describe('every failpoint of the sources', () => {
  it('is one at which a test kills the core', () => {
    const names = failpointNames();
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => !scenarios.some((one) => isCovered(name, one)))).toEqual([]);
  });

  it('is meant by what covers it', () => {
    const names = failpointNames();
    const unknown = scenarios.flatMap(({ covers }) =>
      covers.filter((one) => !names.some((name) => isCovered(name, { covers: [one] }))),
    );
    expect(unknown).toEqual([]);
  });
});
