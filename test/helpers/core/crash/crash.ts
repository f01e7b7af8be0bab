import { rm } from 'node:fs/promises';
import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox.ts';
import { type CoreProcess, startCoreProcess } from '../core-process.ts';
import { leftovers } from '../leftovers.ts';
import { makeRoot } from '../real-core.ts';
import type { Scenario } from './scenario.ts';
import { said } from './sessions.ts';

/** Milliseconds in which an operation comes to its failpoint. */
const PATIENCE = 15_000;

/** Kills a core at a failpoint of an operation, starts the next one, and checks everything that is promised. */
export async function crashAt(failpoint: string, scenario: Scenario): Promise<void> {
  const root = await makeRoot();
  try {
    const { state, answered } = await killedAt(failpoint, scenario, root);
    const next = await startCoreProcess(root, scenario.core);
    await checkAlways(next.api);
    await scenario.check?.(next.api, state, answered, root);
    await leaveNothing(next, root, scenario);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function killedAt(
  failpoint: string,
  scenario: Scenario,
  root: string,
): Promise<{ state: unknown; answered: boolean }> {
  const { core: options, prepare, act, whileStarting } = scenario;
  const core = await startCoreProcess(root, options);
  await untilWarm(core.api);
  const state = await prepare?.(core.api, root);
  if (whileStarting) {
    await core.kill();
    const started = startCoreProcess(root, { ...options, dieAt: failpoint });
    await expect(started, `a core that starts does not come to ${failpoint}`).rejects.toThrow('exit null');
    return { state, answered: true };
  }
  await core.dieAt(failpoint);
  const acting = act?.(core.api, state, root).then(
    () => true,
    () => false,
  );
  // How often it comes there is its own affair: then it dies in peace.
  const patience = failpoint.includes('#') ? 1_000 : PATIENCE;
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, patience, 'late'));
  if ((await Promise.race([core.gone, late])) === 'late') {
    await core.kill();
    if (patience === PATIENCE) throw new Error(`${scenario.name} does not come to ${failpoint}`);
  }
  return { state, answered: (await acting) ?? false };
}

async function untilWarm(api: CoreApi): Promise<void> {
  const isWarm = async (): Promise<boolean> =>
    (await api.pools.status()).every(
      ({ booting, stopping, idle, warm }) => booting + stopping === 0 && idle >= warm,
    );
  while (!(await isWarm())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const SETTLED = ['Running', 'Exited', 'Failed', 'Expired', 'Lost', 'Terminating'];

/** Of every sandbox, whatever was done to it: no state in between; what runs answers; the pool is full again. */
async function checkAlways(api: CoreApi): Promise<void> {
  for (const sandbox of await api.sandboxes.list({})) {
    const { failure_policy } = sandbox.spec;
    // The recreation of a lost one goes on in the next core.
    expect(failure_policy === 'Manual' ? SETTLED : [...SETTLED, 'Pending']).toContain(sandbox.state.phase);
    if (sandbox.state.phase === 'Running' && !sandbox.state.paused) await answers(api, sandbox);
  }
  await untilWarm(api);
}

export async function answers(api: CoreApi, sandbox: Sandbox): Promise<void> {
  const request = { argv: ['echo', 'alive'], env: {}, cwd: '', user: '', tty: false, stdin: false };
  const session = await api.sandboxes.exec(sandbox, request).catch((error: unknown) => error as Error);
  // It may just have ended by itself.
  if (session instanceof Error) {
    expect((await api.sandboxes.get(sandbox)).state.phase).not.toBe('Running');
    return;
  }
  expect(await said(session)).toEqual({ text: 'alive\n', code: 0 });
}

/** No process, mount, cgroup, directory, socket, log or record when everything is deleted and the core has ended. */
async function leaveNothing(core: CoreProcess, root: string, { tidy }: Scenario): Promise<void> {
  const { api } = core;
  for (const sandbox of await api.sandboxes.list({})) await api.sandboxes.delete(sandbox, { grace: 0 });
  for (const { id } of await api.pools.leases()) await api.pools.release(id);
  await tidy?.(api, root);
  expect(await leftovers(core, root)).toEqual([]);
}
