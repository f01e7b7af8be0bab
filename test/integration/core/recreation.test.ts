import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Phase } from '../../../src/core/model/sandbox/phase.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { box, logOf, makeRunning } from '../../helpers/core/crash/boxes.ts';
import { request, said } from '../../helpers/core/crash/sessions.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { instanceOf, lose } from '../../helpers/core/lose.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { delay, until } from '../../helpers/core/waiting.ts';

const auto = (recovery_timeout_seconds: number) => ({ failure_policy: 'auto', recovery_timeout_seconds });

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

async function newCore(): Promise<{ root: string; core: CoreProcess }> {
  const root = await makeRoot();
  roots.push(root);
  return { root, core: await startCoreProcess(root) };
}

const get = ({ api }: CoreProcess): Promise<Sandbox> => api.sandboxes.get(box);

/** Resolves when it is in this phase, as this generation. */
const untilIs = (core: CoreProcess, phase: Phase, generation: number): Promise<void> =>
  until(async () => {
    const now = await get(core);
    return now.state.phase === phase && now.generation === generation;
  });

/** It runs, from the image, and has begun once. */
async function expectAnew(core: CoreProcess, before: Sandbox): Promise<void> {
  const now = await get(core);
  expect(now).toMatchObject({ name: 'box', createdAt: before.createdAt, generation: 2 });
  expect(now.id).not.toBe(before.id);
  await until(async () => (await logOf(core.api)) === 'begun\n');
  const session = await core.api.sandboxes.exec(
    box,
    request('sh', '-c', 'ls /kept /early 2> /dev/null; echo new'),
  );
  expect(await said(session)).toEqual({ text: 'new\n', code: 0 });
}

/** Something that only the first generation has. */
async function leaveTrace({ api }: CoreProcess): Promise<void> {
  await said(await api.sandboxes.exec(box, request('touch', '/early')));
}

/** Every trace of it is gone in the end, from the node, too. */
async function endsClean(core: CoreProcess, root: string): Promise<void> {
  await core.api.sandboxes.delete(box, { grace: 0 });
  expect(await leftovers(core, root)).toEqual([]);
}

/** That it was Lost for its second before: by now it may be over. */
async function expectWaited(core: CoreProcess): Promise<void> {
  const messages = (await get(core)).events.map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringMatching(/^lost: .*; it is recreated in 1s$/));
}

/** The machine stops: the core first, and then all that runs. */
async function failingNode(core: CoreProcess, root: string): Promise<void> {
  await core.kill();
  const pids = [...(await firstProcesses(root)).values()];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('a sandbox with the policy AutoRecreate', () => {
  it('is created anew when PID 1 of its instance is killed', async () => {
    const { core, root } = await newCore();
    const made = await makeRunning(core.api, auto(1));
    await leaveTrace(core);
    await lose(core.api, root, box);
    await untilIs(core, 'Running', 2);
    await expectWaited(core);
    await expectAnew(core, made);
    await endsClean(core, root);
  });

  it('is created anew when its container is removed behind the back of the core', async () => {
    const { core, root } = await newCore();
    const made = await makeRunning(core.api, auto(0));
    await leaveTrace(core);
    const instance = await instanceOf(core.api, root, box);
    execFileSync('runc', ['--root', join(root, 'run/runc'), 'delete', '--force', instance]);
    await untilIs(core, 'Running', 2);
    await expectAnew(core, made);
    expect(await readdir(join(root, 'run/i'))).not.toContain(instance);
    await endsClean(core, root);
  });

  it('is created anew when its node starts again with nothing left', async () => {
    const { core, root } = await newCore();
    const made = await makeRunning(core.api, auto(1));
    await leaveTrace(core);
    await failingNode(core, root);
    const next = await startCoreProcess(root);
    await untilIs(next, 'Running', 2);
    await expectWaited(next);
    await expectAnew(next, made);
    await endsClean(next, root);
  });

  it('goes on waiting in the next core, and the one after that', async () => {
    const { core, root } = await newCore();
    const made = await makeRunning(core.api, auto(2));
    await leaveTrace(core);
    await lose(core.api, root, box);
    const { recreateAt } = (await get(core)).state as { recreateAt?: number };
    // Answered when it is on record, and with it what was before.
    await core.api.sandboxes.update(box, { labels: { seen: 'lost' } });
    await core.kill();
    const second = await startCoreProcess(root);
    const seen = await get(second);
    if (seen.generation === 1) expect(seen.state).toMatchObject({ phase: 'Lost', recreateAt });
    await second.kill();
    const third = await startCoreProcess(root);
    await untilIs(third, 'Running', 2);
    expect(Date.now()).toBeGreaterThanOrEqual(recreateAt! - 50);
    await expectAnew(third, made);
    await endsClean(third, root);
  });

  it('stays Failed, and says why, when that does not go well', async () => {
    const { core, root } = await newCore();
    const source = await mkdtemp('/tmp/fsb-m-');
    roots.push(source);
    const mounts = [{ source, target: '/mnt/source' }];
    const made = await makeRunning(core.api, { ...auto(1), mounts });
    await lose(core.api, root, box);
    await rm(source, { recursive: true });
    await untilIs(core, 'Failed', 2);
    expect((await get(core)).state).toMatchObject({
      reason: expect.stringMatching(
        /^it was lost \(.+\) and could not be recreated, which is not tried again: ./,
      ),
    });
    await delay(1500);
    expect((await get(core)).generation).toBe(made.generation + 1);
    await endsClean(core, root);
  });
});

describe('a sandbox with the policy Manual', () => {
  it('stays Lost over its node and the next one, with its log and files, until it is started', async () => {
    const { core, root } = await newCore();
    await makeRunning(core.api, { recovery_timeout_seconds: 0 });
    await failingNode(core, root);
    const next = await startCoreProcess(root);
    expect((await get(next)).state).toMatchObject({ phase: 'Lost', reason: expect.stringContaining('gone') });
    await next.stop();
    const third = await startCoreProcess(root);
    await delay(300);
    expect(await get(third)).toMatchObject({ generation: 1, state: { phase: 'Lost' } });
    expect(await logOf(third.api)).toBe('begun\n');
    expect(await third.api.sandboxes.start(box)).toMatchObject({
      generation: 2,
      state: { phase: 'Running' },
    });
    const session = await third.api.sandboxes.exec(box, request('cat', '/kept'));
    expect(await said(session)).toEqual({ text: 'kept\n', code: 0 });
    await endsClean(third, root);
  });
});
