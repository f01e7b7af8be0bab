import { describe, expect, it } from 'vitest';
import { changeScenarios } from '../helpers/core/crash/change-scenarios.ts';
import { failpointNames } from '../helpers/core/crash/failpoint-names.ts';
import { imageScenarios } from '../helpers/core/crash/image-scenarios.ts';
import { logScenarios } from '../helpers/core/crash/log-scenarios.ts';
import { poolScenarios } from '../helpers/core/crash/pool-scenarios.ts';
import { recoveryScenarios } from '../helpers/core/crash/recovery-scenarios.ts';
import { sandboxScenarios } from '../helpers/core/crash/sandbox-scenarios.ts';
import { isCovered, isMeant, outcomesAt, passed } from '../helpers/core/crash/scenario.ts';

const scenarios = [
  ...sandboxScenarios,
  ...changeScenarios,
  ...recoveryScenarios,
  ...logScenarios,
  ...poolScenarios,
  ...imageScenarios(() => {
    throw new Error('no registry is needed here');
  }),
];

const bare = (name: string): string => name.replace(/#.*/, '');

describe('every failpoint of the sources', () => {
  it('is one at which each run of the suite kills an operation that passes it', () => {
    const names = failpointNames();
    expect(names.length).toBeGreaterThan(100);
    const killed = scenarios.flatMap((one) =>
      passed[one.name]!.filter((name) => isCovered(name, one)).map(bare),
    );
    expect(names.filter((name) => !killed.includes(name))).toEqual([]);
  });
});

describe('the table of what each operation passes', () => {
  it('has each scenario once, and no other', () => {
    expect(Object.keys(passed).sort()).toEqual(scenarios.map(({ name }) => name).sort());
  });

  it('has failpoints of the sources only', () => {
    const names = failpointNames();
    const unknown = Object.values(passed).flatMap((all) => all.filter((name) => !names.includes(bare(name))));
    expect(unknown).toEqual([]);
  });

  it.each(scenarios)('has all that $name is killed at', ({ name, covers }) => {
    expect(covers.filter((one) => !passed[name]!.some((other) => isMeant(other, [one])))).toEqual([]);
  });

  it.each(scenarios)('has an outcome of $name for each, where there is one for any', (scenario) => {
    const without = passed[scenario.name]!.filter((name) => outcomesAt(name, scenario)?.length === 0);
    expect(without).toEqual([]);
  });
});
