import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { ExecRequest } from '../../../src/core/api/sandbox-api.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import type { Sandbox, SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, execOf, finish, Workbench } from '../../contract/workbench.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { lose } from '../../helpers/core/lose.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { textOf } from '../../helpers/core/storm/promises.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';
import { traces } from '../../helpers/core/traces.ts';
import { delay, until } from '../../helpers/core/waiting.ts';

const tool = (argv: string[], more: Partial<ExecRequest> = {}): ExecRequest =>
  execOf(argv, { guestTool: true, ...more });
/** One that goes on until it is ended, or its input is. */
const endless = tool(['tar-in', '/'], { stdin: true });

/** Says in which instance it is. */
const HOSTNAME = 'cat /proc/sys/kernel/hostname';
/** Whether the instance lives in which the sandbox was: only as long as somebody has its files. */
const lives = async (api: CoreApi, box: Sandbox, root: string): Promise<boolean> => {
  const hostname = (await textOf(api, box)).trim();
  return [...(await firstProcesses(root)).keys()].some((id) => id.startsWith(hostname));
};

const stat = async ({ sandboxes }: CoreApi, box: SandboxRef, path: string): Promise<number | null> =>
  (await finish(await sandboxes.exec(box, tool(['stat', '--', path])))).status.code;

describe.each(['in this process', 'over the wire'])('the files of an ended sandbox, %s', (where) => {
  const bench = new Workbench();
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore();
    bench.use(where === 'over the wire' ? core.remote : core.running.api);
  });
  afterEach(() => bench.cleanUp());
  afterAll(() => core.close());

  const ended = async (script = `${HOSTNAME}; echo hi > /out; exit 3`): Promise<Sandbox> => {
    const box = await bench.shell(script);
    await bench.core.sandboxes.wait(box);
    return bench.core.sandboxes.get(box);
  };
  const open = async (box: SandboxRef): Promise<ProcessSession> => {
    const session = await bench.core.sandboxes.exec(box, endless);
    session.exited.catch(() => {});
    return session;
  };

  it('are there, and the sandbox stays what it was', async () => {
    const { sandboxes } = bench.core;
    const box = await ended();
    expect(await stat(bench.core, box, '/out')).toBe(0);
    expect(await stat(bench.core, box, '/nope')).toBe(3);
    expect(await sandboxes.get(box)).toEqual(box);
    expect(await sandboxes.wait(box)).toMatchObject({ code: 3 });
    expect(await textOf(bench.core, box)).toMatch(/^i?[0-9a-f]+\n$/);
  });

  it('are there once it is stopped, has expired, or is lost', async () => {
    const { sandboxes } = bench.core;
    const script = 'echo hi > /out; while :; do sleep 1000; done';
    const written = async (box: Sandbox): Promise<void> =>
      until(async () => (await bench.run(box, 'test -e /out')).status.code === 0);
    const stopped = await bench.shell(script);
    await written(stopped);
    await sandboxes.stop(stopped);
    const expired = await bench.shell(script);
    await written(expired);
    await sandboxes.update(expired, { ttl: 1 });
    await sandboxes.wait(expired);
    const lost = await bench.shell(script);
    await written(lost);
    await lose(bench.core, core.root, lost);
    const phases: string[] = [];
    for (const box of [stopped, expired, lost]) {
      phases.push((await sandboxes.get(box)).state.phase);
      expect(await stat(bench.core, box, '/out')).toBe(0);
    }
    expect(phases).toEqual(['Exited', 'Expired', 'Lost']);
  });

  it('go with a deletion, which ends the tool, and with a reset', async () => {
    const { sandboxes } = bench.core;
    for (const remove of ['delete', 'reset'] as const) {
      const box = await ended();
      const session = await open(box);
      await sandboxes[remove](box);
      expect(await errorOf(session.exited)).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('deleted or reset'),
      });
      await session.close();
    }
  });

  it('are its next generation’s when the tool has ended; a deletion ends both', async () => {
    const { sandboxes } = bench.core;
    const box = await ended();
    const session = await open(box);
    let started = false;
    const starting = sandboxes.start(box).then((again) => {
      started = true;
      return again;
    });
    await until(async () => (await sandboxes.get(box)).state.phase === 'Pending');
    await delay(50);
    expect(started).toBe(false);
    session.endInput();
    expect((await finish(session)).status.code).toBe(0);
    expect(await starting).toMatchObject({ generation: 2 });
    await sandboxes.wait(box);
    expect(await stat(bench.core, box, '/out')).toBe(0);
    const tooLong = await open(box);
    const failed = errorOf(sandboxes.restart(box));
    await until(async () => (await sandboxes.get(box)).state.phase === 'Pending');
    await sandboxes.delete(box);
    expect((await failed).code).toBe('cancelled');
    expect((await errorOf(tooLong.exited)).code).toBe('conflict');
    await tooLong.close();
  });

  it('are nobody’s any more soon after the caller is gone', async () => {
    const box = await ended();
    const session = await open(box);
    expect(await lives(bench.core, box, core.root)).toBe(true);
    await session.close();
    await until(async () => !(await lives(bench.core, box, core.root)));
    expect(await stat(bench.core, box, '/out')).toBe(0);
  });

  it('are not there when nothing was ever written', async () => {
    const failed = { ...bench.ref(), spec: { image: 'host', command: ['no-such-command'] } };
    await errorOf(bench.core.sandboxes.create(failed));
    expect(await errorOf(bench.core.sandboxes.exec(failed, endless))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('has no files'),
      hint: expect.stringContaining('fsb-ctl get'),
    });
  });
});

describe('a core that ends while a tool runs on the files of an ended sandbox', () => {
  const command = ['sh', '-c', `${HOSTNAME}; echo hi > /out; exit 3`];
  const create = async ({ sandboxes }: CoreApi): Promise<Sandbox> => {
    const spec = { image: 'host', command };
    const box = await sandboxes.create({ namespace: 'default', name: 'box', spec });
    await sandboxes.wait(box);
    return sandboxes.get(box);
  };
  /** All is as it was, and nothing of the earlier core's tools is left. */
  const check = async ({ api }: CoreProcess, box: Sandbox): Promise<void> => {
    expect(await api.sandboxes.get(box)).toEqual(box);
    expect(await stat(api, box, '/out')).toBe(0);
  };
  const endsClean = async (core: CoreProcess, root: string): Promise<void> => {
    for (const sandbox of await core.api.sandboxes.list({})) await core.api.sandboxes.delete(sandbox);
    expect(await core.stop()).toBe(0);
    expect(await traces(root)).toEqual([]);
    expect(await leftRecords(root)).toEqual([]);
    await rm(root, { recursive: true, force: true });
  };

  it('killed at any moment: the next one has destroyed the instance, and has the files', {
    timeout: 120_000,
  }, async () => {
    const root = await makeRoot();
    const random = seeded(5);
    let core = await startCoreProcess(root);
    const box = await create(core.api);
    for (let round = 0; round < 5; round++) {
      const tools = core.api.sandboxes.exec(box, endless).then((session) => errorOf(session.exited), noop);
      // The last ones while it runs.
      if (round < 3) await delay(random(80));
      else await until(() => lives(core.api, box, root));
      await core.kill();
      await tools;
      core = await startCoreProcess(root);
      expect(await lives(core.api, box, root)).toBe(false);
      await check(core, box);
    }
    expect(await core.api.sandboxes.start(box)).toMatchObject({ generation: 2 });
    await endsClean(core, root);
  });

  it('stopped: it tells, and leaves the files', async () => {
    const root = await makeRoot();
    const first = await startCoreProcess(root);
    const box = await create(first.api);
    const session = await first.api.sandboxes.exec(box, endless);
    const told = errorOf(session.exited);
    expect(await first.stop()).toBe(0);
    await told;
    expect([...(await firstProcesses(root)).keys()]).toEqual([]);
    const second = await startCoreProcess(root);
    await check(second, box);
    await endsClean(second, root);
  });
});

const noop = (): void => {};
