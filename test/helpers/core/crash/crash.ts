import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox.ts';
import type { CoreProcess } from '../core-process.ts';
import { leftovers } from '../leftovers.ts';
import { checkAlways, checkImageFiles, eventually, expectOutcome } from './always.ts';
import { expectUnharmed, makeBystander } from './bystander.ts';
import { Cores, deleteAll } from './cores.ts';
import { isMeant, outcomesAt, type Scenario } from './scenario.ts';

/** Milliseconds in which an operation comes to its failpoint. */
const PATIENCE = 15_000;

/** What is there before the operation. */
interface Before {
  core: CoreProcess;
  bystander: Sandbox;
  state: unknown;
}

/** Kills a core at a failpoint of an operation, starts the next one, and checks everything that is promised. */
export const crashAt = (failpoint: string, scenario: Scenario): Promise<void> =>
  withCores(async (cores) => {
    const before = await prepared(cores, scenario);
    const answered = await killedAt(failpoint, before, cores, scenario);
    const next = await cores.start(scenario.core);
    await expectUnharmed(next.api, before.bystander);
    const outcomes = answered && scenario.ends ? [scenario.ends] : outcomesAt(failpoint, scenario);
    if (outcomes) await expectOutcome(next.api, outcomes);
    await checkAlways(next.api);
    await scenario.check?.(next.api, before.state, answered, cores.root);
    await leaveNothing(next, cores.root, scenario);
  });

/**
 * Lets an operation go through: everything that is promised holds without a crash, too.
 * @param expected the failpoints that it is known to pass: then nothing follows any more
 * @param settle milliseconds, for what is not known yet
 * @returns those that it has passed
 */
export async function passThrough(
  expected: readonly string[],
  scenario: Scenario,
  settle = 0,
): Promise<string[]> {
  let seen: string[] = [];
  await withCores(async (cores) => {
    const before = await prepared(cores, scenario);
    let { core } = before;
    if (scenario.whileStarting) {
      await core.kill();
      core = await cores.start(scenario.core);
    } else await core.dieAt(undefined);
    if (scenario.whileEnding) {
      await core.stop();
      seen = namesOf(await core.reached(), scenario);
      core = await cores.start(scenario.core);
    }
    await scenario.act?.(core.api, before.state, cores.root);
    const { api } = core;
    if (scenario.ends) await expectOutcome(api, [scenario.ends]);
    // What follows by itself may take its time.
    if (settle) await new Promise((resolve) => setTimeout(resolve, settle));
    const look = async (): Promise<void> => {
      seen = namesOf(await core.reached(), scenario);
      expect(seen).toEqual(expect.arrayContaining([...expected]));
    };
    if (!scenario.whileEnding) await eventually(look).catch(() => {});
    await expectUnharmed(api, before.bystander);
    await checkAlways(api);
    await scenario.check?.(api, before.state, true, cores.root);
    await leaveNothing(core, cores.root, scenario);
  });
  return seen;
}

const namesOf = (reached: Record<string, number>, { besides = [] }: Scenario): string[] =>
  Object.entries(reached)
    .flatMap(([name, times]) => (times > 1 && name.startsWith('record.') ? [name, `${name}#2`] : [name]))
    .filter((name) => !isMeant(name, besides) && !isMeant(name.replace(/#.*/, ''), besides))
    .sort();

async function withCores(work: (cores: Cores) => Promise<void>): Promise<void> {
  const cores = await Cores.open();
  try {
    await work(cores);
  } finally {
    await cores.close();
  }
}

async function prepared(cores: Cores, { core: options, prepare }: Scenario): Promise<Before> {
  const core = await cores.start(options);
  const { api } = core;
  const bystander = await makeBystander(api);
  const state = await prepare?.(api, cores.root);
  await untilWarm(api);
  return { core, bystander, state };
}

/** @returns whether the caller was told that it is done */
async function killedAt(
  failpoint: string,
  { core, state }: Before,
  cores: Cores,
  scenario: Scenario,
): Promise<boolean> {
  if (scenario.whileStarting) {
    await core.kill();
    const started = cores.start({ ...scenario.core, dieAt: failpoint });
    await expect(started, `a core that starts does not come to ${failpoint}`).rejects.toThrow('exit null');
    return true;
  }
  await core.dieAt(failpoint);
  const acting = scenario.act?.(core.api, state, cores.root).then(
    () => true,
    () => false,
  );
  const ended = scenario.whileEnding ? core.stop() : core.gone;
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, PATIENCE, 'late'));
  if ((await Promise.race([ended, late])) === 'late')
    throw new Error(`${scenario.name} does not come to ${failpoint}`);
  if (scenario.whileEnding) expect(await ended, `it ends before ${failpoint}`).toBeNull();
  return (await acting) ?? false;
}

async function untilWarm(api: CoreApi): Promise<void> {
  await eventually(() => checkAlways(api));
}

/** No process, mount, cgroup, directory, socket, log, record or file when everything is deleted and the core has ended. */
async function leaveNothing(core: CoreProcess, root: string, { tidy }: Scenario): Promise<void> {
  const { api } = core;
  await checkImageFiles(api, root);
  await deleteAll(api);
  await tidy?.(api, root);
  expect((await api.pools.list()).map(({ name }) => name)).toEqual(['default-pool']);
  expect(await leftovers(core, root)).toEqual([]);
}
