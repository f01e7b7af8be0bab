import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failpointNames } from '../helpers/core/crash/failpoint-names.ts';
import { casesOf, outcomesAt, passed } from '../helpers/core/crash/scenario.ts';
import { changeScenarios } from '../helpers/core/crash/scenarios/change-scenarios.ts';
import { failureScenarios } from '../helpers/core/crash/scenarios/failure-scenarios.ts';
import { filesScenarios } from '../helpers/core/crash/scenarios/files-scenarios.ts';
import { imageScenarios } from '../helpers/core/crash/scenarios/image-scenarios.ts';
import { leavingScenarios } from '../helpers/core/crash/scenarios/leaving-scenarios.ts';
import { logScenarios } from '../helpers/core/crash/scenarios/log-scenarios.ts';
import { nodeScenarios } from '../helpers/core/crash/scenarios/node-scenarios.ts';
import { poolScenarios } from '../helpers/core/crash/scenarios/pool-scenarios.ts';
import { recoveryScenarios } from '../helpers/core/crash/scenarios/recovery-scenarios.ts';
import { sandboxScenarios } from '../helpers/core/crash/scenarios/sandbox-scenarios.ts';
import { unsettledScenarios } from '../helpers/core/crash/scenarios/unsettled-scenarios.ts';
import { upkeepScenarios } from '../helpers/core/crash/scenarios/upkeep-scenarios.ts';
import { unguardedIn, unguardedSteps } from '../helpers/core/crash/unguarded-steps.ts';

const scenarios = [
  ...sandboxScenarios,
  ...changeScenarios,
  ...failureScenarios,
  ...leavingScenarios,
  ...recoveryScenarios,
  ...unsettledScenarios,
  ...logScenarios,
  ...poolScenarios,
  ...nodeScenarios,
  ...filesScenarios,
  ...upkeepScenarios,
  ...imageScenarios(() => {
    throw new Error('no registry is needed here');
  }),
];

const bare = (name: string): string => name.replace(/#.*/, '');

describe('every failpoint of the sources', () => {
  it('is one at which each run of the suite kills an operation', () => {
    const names = failpointNames();
    expect(names.length).toBeGreaterThan(100);
    const killed = scenarios.flatMap(casesOf).map(bare);
    expect(names.filter((name) => !killed.includes(name))).toEqual([]);
  });
});

/** `agent/agent.ts forget: retained.keep, slots.remove`, or all of a function: why the core is not killed there. */
const excused = JSON.parse(
  readFileSync(join(import.meta.dirname, '../helpers/core/crash/unguarded.json'), 'utf8'),
) as Record<string, string>;

describe('two steps of an operation', () => {
  it('have a failpoint between them, or a reason to have none', () => {
    const rowOf = (step: string): string =>
      [step, step.slice(0, step.indexOf(':'))].find((row) => row in excused) ?? step;
    expect([...new Set(unguardedSteps().map(rowOf))].sort()).toEqual(Object.keys(excused).sort());
  });

  it.each([
    ['awaited, in a function without a failpoint', 'await ledger.add(id); await driver.boot(id);'],
    ['side by side', 'await Promise.all([ledger.add(id), driver.boot(id)]);'],
    ['that nobody waits for', 'void ledger.add(id); void driver.boot(id).catch(noop);'],
    ['one of which is waited for later', 'const added = ledger.add(id); await driver.boot(id); await added;'],
    ['in a chain', 'await ledger.add(id).then(() => driver.boot(id));'],
    ['of which one is done when the other fails', 'await ledger.add(id).catch(async () => driver.boot(id));'],
    ['for each of a list', 'await ledger.add(id); await Promise.all(ids.map((each) => driver.boot(each)));'],
  ])('are found %s', (_, body) => {
    expect(unguardedIn('x.ts', `async function f() { ${body} }`)).toEqual([
      'x.ts f: ledger.add, driver.boot',
    ]);
  });

  it.each([
    [
      'tools',
      'await launcher.run(words); await removeInstance(context, id);',
      'launcher.run, removeInstance',
    ],
    ['instances', 'await ledger.add(id); await instance.recycle();', 'ledger.add, instance.recycle'],
  ])('are found where %s do them', (_, body, steps) => {
    expect(unguardedIn('x.ts', `async function f() { ${body} }`)).toEqual([`x.ts f: ${steps}`]);
  });

  it('are found where files are written in one go', () => {
    const text = 'function f() { writeFileSync(a, b); renameSync(a, c); }';
    expect(unguardedIn('x.ts', text)).toEqual(['x.ts f: writeFileSync, renameSync']);
  });

  it.each([
    ['with a failpoint between them', "await ledger.add(id); failpoint('a.b'); await driver.boot(id);"],
    ['of a set in memory', 'known.add(id); known.remove(id);'],
    [
      'with one in a chain',
      "await ledger.add(id).then(() => { failpoint('a.b'); return driver.boot(id); });",
    ],
    ['of two functions', 'await ledger.add(id); const boot = () => driver.boot(id);'],
  ])('are none %s', (_, body) => {
    expect(unguardedIn('x.ts', `async function f() { ${body} }`)).toEqual([]);
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

  it.each(scenarios)('says what may have become of $name at each', (scenario) => {
    const without = passed[scenario.name]!.filter((name) => outcomesAt(name, scenario).length === 0);
    expect(without).toEqual([]);
  });
});
