import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, finish, type Workbench } from '../workbench.ts';

const followed = { follow: true, stdout: true, stderr: true };

/** Until it has said so. */
async function ready({ core }: Workbench, box: SandboxRef): Promise<void> {
  for await (const entry of core.sandboxes.logs(box, followed)) if (entry.data.includes('ready')) return;
}

/** Until its log has so many bytes. */
async function logged({ core }: Workbench, box: SandboxRef, bytes: number): Promise<string> {
  let text = '';
  for await (const { data } of core.sandboxes.logs(box, followed)) {
    text += data;
    if (text.length >= bytes) break;
  }
  return text;
}

/** What follows the first start of a sandbox. */
export function lifeCases(bench: Workbench): void {
  it('stops a sandbox, keeps it, and starts it again as another generation', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell('echo begun; while :; do sleep 1000; done', { labels: { kept: 'yes' } });
    expect(await logged(bench, box, 6)).toBe('begun\n');
    const stopped = await sandboxes.stop(box);
    expect(stopped).toMatchObject({
      ...{ id: box.id, name: box.name, generation: 1 },
      state: { phase: 'Exited', status: { code: null, signal: 15 } },
    });
    expect(await sandboxes.wait(box)).toMatchObject({ code: null, signal: 15 });
    expect((await sandboxes.stop(box)).state).toEqual(stopped.state);
    expect(await errorOf(bench.exec(box, ['true']))).toMatchObject({ code: 'conflict' });
    const again = await sandboxes.start(box);
    expect(again).toMatchObject({
      ...{ name: box.name, generation: 2, createdAt: box.createdAt, state: { phase: 'Running' } },
      spec: { labels: { kept: 'yes' } },
    });
    expect(again.id).not.toBe(box.id);
    expect(await sandboxes.start(box)).toMatchObject({ id: again.id, generation: 2 });
    expect((await bench.run(box, 'echo here')).stdout.toString()).toBe('here\n');
    expect(await logged(bench, box, 12)).toBe('begun\nbegun\n');
    await sandboxes.stop(box, { grace: 0 });
    // Its end, and what this generation alone has said.
    const attached = await sandboxes.attach(box, { stdin: false, replay: true });
    expect((await finish(attached)).stdout.toString()).toBe('begun\n');
    await sandboxes.reset(box);
    expect(await logged(bench, box, 6)).toBe('begun\n');
  });

  it('stops one that ignores the signal, when its grace is over', async () => {
    const stubborn = await bench.shell('trap "" TERM; echo ready; while :; do sleep 0.1; done');
    await ready(bench, stubborn);
    const { state } = await bench.core.sandboxes.stop(stubborn, { grace: 50 });
    expect(state).toMatchObject({ phase: 'Exited', status: { code: null, signal: 9 } });
  });

  it('stops one with the signal that the caller names', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell(
      'trap "exit 33" USR1; trap "" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await ready(bench, box);
    expect(await errorOf(sandboxes.stop(box, { stopSignal: 65 }))).toMatchObject({
      code: 'invalid_argument',
    });
    const { state } = await sandboxes.stop(box, { stopSignal: 10, grace: 60_000 });
    expect(state).toMatchObject({ phase: 'Exited', status: { code: 33, signal: null } });
  });

  it('restarts and resets, twice at once and although it ignores the signal; it can be asked for all the time', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell('trap "" TERM; while :; do sleep 0.1; done');
    expect(await sandboxes.restart(box, { grace: 50 })).toMatchObject({
      generation: 2,
      state: { phase: 'Running' },
    });
    let settled = false;
    const resets = Promise.all([
      sandboxes.reset(box, { grace: 50 }),
      sandboxes.reset(box, { grace: 50 }),
    ]).finally(() => {
      settled = true;
    });
    while (!settled) {
      await setImmediate();
      expect((await sandboxes.get(box)).name).toBe(box.name);
      for await (const _ of sandboxes.logs(box, { follow: false, stdout: true, stderr: true }));
    }
    const made = await resets;
    expect(made.map(({ generation }) => generation).sort()).toEqual([3, 4]);
    expect(new Set([box.id, ...made.map(({ id }) => id)]).size).toBe(3);
    const { sandboxes: all } = bench.core;
    const names = (await all.list({ namespace: bench.namespace })).map(({ name }) => name);
    expect(names.filter((name) => name === box.name)).toHaveLength(1);
  });

  it('resets once for a revision', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.idle();
    const resets = [1, 2].map(() => sandboxes.reset(box, { revision: 'first' }));
    expect((await Promise.all(resets)).map(({ generation }) => generation)).toEqual([2, 2]);
    expect((await sandboxes.reset(box, { revision: 'second' })).generation).toBe(3);
  });

  it('pauses and lets go on', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.idle();
    const paused = await sandboxes.pause(box);
    expect(paused.state).toMatchObject({ phase: 'Running', paused: true });
    expect((await sandboxes.get(box)).state).toEqual(paused.state);
    const refused = [
      sandboxes.pause(box),
      bench.exec(box, ['true']),
      sandboxes.attach(box, { stdin: false, replay: false }),
    ];
    for (const error of await Promise.all(refused.map(errorOf)))
      expect(error).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('paused'),
        hint: expect.any(String),
      });
    expect((await sandboxes.unpause(box)).state).not.toHaveProperty('paused');
    expect(await errorOf(sandboxes.unpause(box))).toMatchObject({ code: 'conflict' });
    expect((await bench.run(box, 'echo on')).stdout.toString()).toBe('on\n');
    await sandboxes.pause(box);
    expect((await sandboxes.stop(box)).state.phase).toBe('Exited');
    expect(await errorOf(sandboxes.pause(box))).toMatchObject({ code: 'conflict' });
  });

  it('sends a signal to the main process', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell('trap "exit 33" USR1; echo ready; while :; do sleep 0.05; done');
    await ready(bench, box);
    expect(await errorOf(sandboxes.signal(box, 99))).toMatchObject({ code: 'invalid_argument' });
    await sandboxes.signal(box, 10);
    expect(await sandboxes.wait(box)).toMatchObject({ code: 33, signal: null });
    expect(await errorOf(sandboxes.signal(box, 10))).toMatchObject({ code: 'conflict' });
    const other = await bench.idle();
    await sandboxes.signal(other, 9);
    expect(await sandboxes.wait(other)).toMatchObject({ code: null, signal: 9 });
  });

  it('renames, and the old name is free at once', async () => {
    const { sandboxes } = bench.core;
    const [box, other] = [await bench.idle(), await bench.idle()];
    expect(await errorOf(sandboxes.rename(box, other.name))).toMatchObject({ code: 'already_exists' });
    expect(await errorOf(sandboxes.rename(box, 'No Name'))).toMatchObject({ code: 'invalid_argument' });
    const { name } = bench.ref();
    expect(await sandboxes.rename(box, name)).toMatchObject({ name, id: box.id, generation: 1 });
    expect(await errorOf(sandboxes.get(box))).toMatchObject({ code: 'not_found' });
    expect((await sandboxes.rename(other, box.name)).id).toBe(other.id);
    expect((await sandboxes.get(box)).id).toBe(other.id);
  });

  it('changes what may be changed, all of it or nothing', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.idle({ labels: { a: '1', b: '2' }, ttl: '1h' });
    const changed = await sandboxes.update(box, {
      expireTime: 4_102_444_800,
      labels: { a: null, c: 'drei' },
      recoveryTimeoutSeconds: 7,
      resources: { memory: 96 * 1024 * 1024 },
    });
    expect(changed).toMatchObject({ id: box.id, expiresAt: 4_102_444_800_000, state: { phase: 'Running' } });
    expect(changed.spec).toMatchObject({ recovery_timeout_seconds: 7, labels: { b: '2', c: 'drei' } });
    expect(changed.spec.labels).toEqual({ b: '2', c: 'drei' });
    expect(changed.spec.resources).toEqual({ ...box.spec.resources, memory: 96 * 1024 * 1024 });
    expect((await sandboxes.update(box, { ttl: 0 })).expiresAt).toBe(0);
    expect((await sandboxes.update(box, { ttl: 90_000 })).expiresAt).toBeGreaterThan(Date.now());
    const wrong = { labels: { d: '4', ' e': '5' } };
    expect(await errorOf(sandboxes.update(box, wrong))).toMatchObject({ code: 'invalid_argument' });
    const unknown = { resources: { memry: 1 } } as object;
    expect(await errorOf(sandboxes.update(box, unknown))).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('memry'),
    });
    expect((await sandboxes.get(box)).spec.labels).toEqual({ b: '2', c: 'drei' });
  });

  it('tells what those use that run', async () => {
    const { sandboxes } = bench.core;
    const { namespace } = bench;
    const [box, ended] = [await bench.idle(), await bench.shell('true')];
    await sandboxes.wait(ended);
    const names = [ended.name, box.name];
    const [use, ...others] = await sandboxes.usage({ namespace, names });
    expect(others).toEqual([]);
    expect(use).toMatchObject({ id: box.id, namespace, name: box.name, limits: box.spec.resources });
    for (const figure of [use!.memory, use!.pids, use!.time]) expect(figure).toBeGreaterThan(0);
    expect(use!.cpuMicros).toBeGreaterThanOrEqual(0);
    const all = await sandboxes.usage({ namespace });
    expect(all.map(({ name }) => name)).toContain(box.name);
    expect((await sandboxes.usage({})).map(({ id }) => id)).toContain(box.id);
    expect(await errorOf(sandboxes.usage({ namespace, names: ['nobody'] }))).toMatchObject({
      code: 'not_found',
    });
  });
}
