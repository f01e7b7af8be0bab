import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { makeRoot, repository } from '../../helpers/core/real-core.ts';
import { thinDisk } from '../../helpers/core/small-disk.ts';
import { traces } from '../../helpers/core/traces.ts';
import { delay } from '../../helpers/core/waiting.ts';

/** The exit code of `unavailable`. */
const UNAVAILABLE = 6;

/** The core of the command line, in the foreground. */
async function serve(root: string): Promise<{ child: ChildProcess; said: () => string }> {
  const child = spawn(
    join(repository, 'bin/dev.js'),
    ['serve', '--ready-fd', '3', '--http', 'off', '--metrics', 'off'],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, FSB_ROOT: root },
    },
  );
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await Promise.race([once(child.stdio[3] as Readable, 'data'), once(child, 'exit')]);
  return { child, said: () => said };
}

it('a core whose disk fails under its records ends by itself: nothing is internal, what runs goes on, the next core has all of it', {
  timeout: 60_000,
}, async () => {
  await using disk = await thinDisk(24 * 1024 * 1024);
  const root = await makeRoot();
  // Nothing else is to fail.
  await mkdir(join(disk.path, 'records'), { mode: 0o700 });
  await mkdir(join(root, 'state'), { recursive: true, mode: 0o700 });
  await symlink(join(disk.path, 'records'), join(root, 'state/records'));
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const { child, said } = await serve(root);
  const exited = once(child, 'exit');
  let isGone = false;
  void exited.then(() => {
    isGone = true;
  });
  const api = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
  const bench = new Workbench();
  bench.use(api);
  const box = await bench.idle();

  const heal = await disk.fail();
  const codes = new Set<string>();
  const told = (call: Promise<unknown>): Promise<void> =>
    call.then(
      () => {},
      (error: unknown) => {
        const { code, message } = FsbError.from(error);
        if (code === 'no_capacity' || code === 'unavailable') codes.add(code);
        // A boot that the end of the core cuts short fails as a boot does.
        else if (code !== 'run_failed') codes.add(`${code}: ${message}`);
      },
    );
  // Records of pages that were never written.
  const envs = { LONG: 'x'.repeat(100_000) };
  const spec = { image: 'host', command: ['sleep', '1000'], envs };
  for (let turn = 0; !isGone; turn++) {
    const created = api.sandboxes.create({ namespace: 'default', name: `more-${turn}`, spec });
    const looks = [api.sandboxes.list({}), api.system.health(), api.system.usage(), api.pools.list()];
    await Promise.all([created, ...looks, delay(20)].map(told));
  }
  expect(await exited, said()).toEqual([UNAVAILABLE, null]);
  expect(codes).toContain('unavailable');
  expect(['no_capacity', 'unavailable']).toEqual(expect.arrayContaining([...codes]));
  expect(said()).toContain('the disk failed under an earlier one, so this core ends');
  const log = await readFile(paths.log, 'utf8');
  expect(log).toMatch(/"level":60.*the disk failed under the records: sandboxes run on without a core/);
  expect(log).toContain('"msg":"stopped"');
  await heal();
  await api.close();

  const next = await startCoreProcess(root);
  bench.use(next.api);
  expect(await next.api.sandboxes.get(box)).toMatchObject({ id: box.id, state: { phase: 'Running' } });
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
  for (const one of await next.api.sandboxes.list({})) await next.api.sandboxes.delete(one, { grace: 0 });
  expect(await next.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
  await rm(root, { recursive: true });
});
