import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, type Finished, Workbench } from '../../contract/workbench.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { limitProcesses } from '../../helpers/core/limited-processes.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { delay, until } from '../../helpers/core/waiting.ts';

const bench = new Workbench();
let root: string;
let core: CoreProcess;

beforeEach(async () => {
  root = await makeRoot();
  core = await startCoreProcess(root);
  bench.use(core.api);
  await until(isWarm);
});

afterEach(() => rm(root, { recursive: true }));

const isWarm = async (): Promise<boolean> =>
  (await core.api.pools.status()).every(({ idle, warm, booting }) => idle >= warm && booting === 0);

async function answers(box: Sandbox): Promise<void> {
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
}

/** A core whose limit was lowered under it may have none left to answer with, and closes a connection without a word. */
async function insisting<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = 200; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || FsbError.from(error).code !== 'unavailable') throw error;
      await delay(100);
    }
  }
}

/** It was deleted by a call whose answer did not come. */
function unlessGone(error: unknown): void {
  if (FsbError.from(error).code !== 'not_found') throw error;
}

/** Sandboxes that nothing is warm for, until one fails. @returns those that came up, and the error */
async function startUntilFailure(): Promise<{ boxes: Sandbox[]; error: unknown }> {
  const boxes: Sandbox[] = [];
  for (let memory = 64; memory < 164; memory++) {
    const box = await insisting(() => bench.idle({ resources: { memory: `${memory}m` } })).catch(
      (error: unknown) => ({ error }),
    );
    if ('error' in box) return { boxes, error: box.error };
    boxes.push(box);
  }
  throw new Error('a hundred sandboxes came up');
}

/** The want is over: everything works at once or a breaker's second later, and in the end nothing is left. */
async function recovers(): Promise<void> {
  await core.api.pools.update('default-pool', { reset: true });
  await answers(await bench.idle({ resources: { memory: '60m' } }));
  await until(isWarm);
  await bench.cleanUp();
  expect(await core.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
}

/** One that came while there were too few: its client gets its answer in the end, or is told why there is none. */
function expectServedOrRefused(exec: PromiseSettledResult<Finished>): void {
  if (exec.status === 'fulfilled')
    expect(exec.value).toMatchObject({ stdout: Buffer.from('hi\n'), status: { code: 0 } });
  else expect(exec.reason).toMatchObject({ code: expect.stringMatching(/^(unavailable|no_capacity)$/) });
}

describe('a core with too few', () => {
  it('descriptors says so, lives on with what runs, and works again when there are more', async () => {
    const box = await bench.idle();
    const limit = (soft: number): void =>
      void execFileSync('prlimit', ['--pid', String(core.pid), `--nofile=${soft}:`]);
    const open = (await readdir(`/proc/${core.pid}/fd`)).length;
    limit(open + 30);
    const { boxes, error } = await startUntilFailure();
    expect(await errorOf(Promise.reject(error))).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/the core has too many files open|[Tt]oo many open files/),
      hint: expect.stringContaining('the limit of open files'),
    });
    const listed = await insisting(() => bench.core.sandboxes.list({}));
    expect(listed.length).toBeGreaterThanOrEqual(boxes.length + 1);
    for (const one of boxes)
      await insisting(() => bench.core.sandboxes.delete(one, { grace: 0 })).catch(unlessGone);
    await insisting(() => answers(box));
    limit(open + 100);
    await recovers();
  });

  it('descriptors for one more client answers those that it has, and the others later', async () => {
    const box = await bench.idle();
    await answers(box);
    const open = (await readdir(`/proc/${core.pid}/fd`)).length;
    const limit = (soft: number): void =>
      void execFileSync('prlimit', ['--pid', String(core.pid), `--nofile=${soft}:`]);
    limit(open);
    // Each is a connection of its own.
    const execs = Promise.allSettled(Array.from({ length: 30 }, () => bench.run(box, 'echo hi')));
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
    limit(open + 100);
    for (const exec of await execs) expectServedOrRefused(exec);
    await answers(box);
    await recovers();
  });

  it('processes says so, lives on with what runs, and works again when there may be more', async () => {
    const box = await bench.idle();
    await until(isWarm);
    const { lift, remove } = await limitProcesses(core.pid);
    const cold = bench.idle({ resources: { memory: '64m' } });
    expect(await errorOf(cold)).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/start process: Resource temporarily unavailable/),
      hint: expect.stringContaining('The core may have no more processes'),
    });
    // The warm ones are there, and neither they nor an exec take a process of the core.
    await answers(await bench.idle());
    await answers(box);
    // What cannot be removed now is removed later.
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await lift();
    await recovers();
    await remove();
  });
});
