import { expect } from 'vitest';
import type { CoreProcess } from '../core-process.ts';
import { checkAlways, checkImageFiles, checkPools, eventually, expectOutcome } from './always.ts';
import { expectUnharmed } from './bystander.ts';
import { type Cores, deleteAll } from './cores.ts';
import { isMeant, outcomesAt, type Scenario } from './scenario.ts';
import { strays } from './strays.ts';

/** Milliseconds in which an operation comes to its failpoint. */
const PATIENCE = 15_000;

/** What is there before the operation. */
interface Before {
  core: CoreProcess;
  state: unknown;
}

/** Kills a core at a failpoint of an operation, starts the next one, and checks everything that is promised. */
export async function crashAt(failpoint: string, cores: Cores, scenario: Scenario): Promise<void> {
  const before = await prepared(cores, scenario);
  const answered = await killedAt(failpoint, before, cores, scenario);
  const next = await cores.start(scenario.core);
  await scenario.mend?.(next.api, cores.root);
  await expectOutcome(next.api, scenario, answered ? [scenario.ends] : outcomesAt(failpoint, scenario));
  await checkAll(next, answered, before.state, cores, scenario);
}

/**
 * Lets an operation go through: everything that is promised holds without a crash, too.
 * @param expected the failpoints that it is known to pass: then nothing follows any more
 * @param settle milliseconds, for what is not known yet
 * @returns those that it has passed
 */
export async function passThrough(
  expected: readonly string[],
  cores: Cores,
  scenario: Scenario,
  settle = 0,
): Promise<string[]> {
  let seen: string[] = [];
  const before = await prepared(cores, scenario);
  let { core } = before;
  if (scenario.whileStarting) {
    await killAndRest(core, scenario);
    core = await cores.startAnew(scenario.core);
  } else await core.dieAt(undefined);
  if (scenario.whileEnding) {
    await core.stop();
    seen = namesOf(await core.reached(), scenario);
    core = await cores.start(scenario.core);
  }
  await scenario.act?.(core.api, before.state, cores.root);
  await scenario.mend?.(core.api, cores.root);
  await expectOutcome(core.api, scenario, [scenario.ends]);
  // What follows by itself may take its time.
  if (settle) await new Promise((resolve) => setTimeout(resolve, settle));
  const look = async (): Promise<void> => {
    seen = namesOf(await core.reached(), scenario);
    expect(seen).toEqual(expect.arrayContaining([...expected]));
  };
  if (!scenario.whileEnding) await eventually(look).catch(() => {});
  await checkAll(core, true, before.state, cores, scenario);
  return seen;
}

const namesOf = (reached: Record<string, number>, { besides = [] }: Scenario): string[] =>
  Object.entries(reached)
    .flatMap(([name, times]) => (times > 1 && name.startsWith('record.') ? [name, `${name}#2`] : [name]))
    .filter((name) => !isMeant(name, besides) && !isMeant(name.replace(/#.*/, ''), besides))
    .sort();

async function prepared(cores: Cores, { core: terms, prepare, restarted }: Scenario): Promise<Before> {
  let core = await cores.ready(terms);
  const state = await prepare?.(core.api, cores.root);
  await checkPools(core.api);
  if (restarted) {
    await core.kill();
    core = await cores.startAnew(terms);
  }
  return { core, state };
}

async function killAndRest(core: CoreProcess, { away }: Scenario): Promise<void> {
  await core.kill();
  if (away) await new Promise((resolve) => setTimeout(resolve, away));
}

/** @returns whether the caller was told that it is done */
async function killedAt(
  failpoint: string,
  { core, state }: Before,
  cores: Cores,
  scenario: Scenario,
): Promise<boolean> {
  if (scenario.whileStarting) {
    await killAndRest(core, scenario);
    const started = cores.startAnew(scenario.core, failpoint);
    await expect(started, `a core that starts does not come to ${failpoint}`).rejects.toThrow('exit null');
    return true;
  }
  await core.dieAt(failpoint);
  const acting = scenario.act?.(core.api, state, cores.root).then(
    () => true,
    () => false,
  );
  const ended = scenario.whileEnding ? core.stop() : core.gone;
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, PATIENCE, 'late').unref());
  if ((await Promise.race([ended, late])) === 'late')
    throw new Error(`${scenario.name} does not come to ${failpoint}`);
  if (scenario.whileEnding) expect(await ended, `it ends before ${failpoint}`).toBeNull();
  return (await acting) ?? false;
}

/** What is promised, and that nothing is left when what the case has made is deleted. */
async function checkAll(
  core: CoreProcess,
  answered: boolean,
  state: unknown,
  { root, bystander }: Cores,
  { check, tidy }: Scenario,
): Promise<void> {
  const { api } = core;
  await expectUnharmed(api, bystander);
  await checkAlways(api);
  await check?.(api, state, answered, root);
  await checkImageFiles(api, root);
  await deleteAll(api, bystander);
  await tidy?.(api, root);
  expect((await api.pools.list()).map(({ name }) => name)).toEqual(['default-pool']);
  await checkPools(api);
  await eventually(async () => expect(await strays(core, root, bystander)).toEqual([]));
}
