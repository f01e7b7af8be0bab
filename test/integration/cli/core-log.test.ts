import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openCoreLog } from '../../../src/cli/local/log/core-log.ts';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { execOf, finish } from '../../contract/workbench.ts';
import { buildGuest, repository } from '../../helpers/core/real-core.ts';

const MEBIBYTE = 1024 * 1024;

let disk: string;
beforeAll(buildGuest);
beforeEach(async () => {
  disk = await mkdtemp('/tmp/fsb-l-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${32 * MEBIBYTE}`, 'fsb-test', disk]);
});
afterEach(async () => {
  // The log of this process stays open.
  execFileSync('umount', ['--lazy', disk]);
  await rmdir(disk);
});

/** Takes the whole disk. @returns gives it back */
async function fill(): Promise<() => Promise<void>> {
  const path = join(disk, 'full');
  await expect(writeFile(path, Buffer.alloc(33 * MEBIBYTE))).rejects.toThrow('ENOSPC');
  return () => rm(path);
}

it('drops what a full disk does not take, says how much, and goes on when there is room', async () => {
  const paths = corePaths({ FSB_ROOT: join(disk, 'log') }, 0);
  const log = openCoreLog(paths, 'info');
  log.info('before');
  const free = await fill();
  for (let line = 0; line < 5000; line++) log.info({ line }, 'x'.repeat(1000));
  await free();
  log.info('short');
  log.info('last');
  const lines = (await readFile(paths.log, 'utf8')).trimEnd().split('\n');
  const messages = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
  const gap = messages.at(-3);
  expect(gap).toMatchObject({ dropped: expect.any(Number), why: 'ENOSPC', level: 40 });
  // What is left of a page took some of them, and half of one.
  const whole = messages.filter((message) => 'line' in message).length;
  expect(gap.dropped + whole).toBe(5000);
  expect(messages[0]).toMatchObject({ msg: 'before' });
  expect(messages.slice(-2)).toMatchObject([{ msg: 'short' }, { msg: 'last' }]);
});

it('keeps no process from its end', async () => {
  const module = join(repository, 'src/cli/local/log/core-log.ts');
  const free = await fill();
  const program = `
    import { openCoreLog } from ${JSON.stringify(module)};
    const log = openCoreLog({ state: ${JSON.stringify(disk)}, log: ${JSON.stringify(join(disk, 'core.log'))} }, 'info');
    log.fatal('x'.repeat(10_000));
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: repository,
    stdio: 'inherit',
    timeout: 20_000,
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
  await free();
}, 30_000);

it('takes no core with it', { timeout: 120_000 }, async () => {
  const root = join(disk, 'r');
  const { NODE_EXTRA_CA_CERTS: _, ...clean } = process.env;
  const env = { ...clean, FSB_ROOT: root, FSB_LOG_LEVEL: 'trace' };
  const child = spawn(join(repository, 'bin/dev.js'), ['serve', '--ready-fd', '3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env,
  });
  const exited = once(child, 'exit');
  let core: CoreApi | undefined;
  try {
    await Promise.race([once(child.stdio[3] as Readable, 'data'), exited]);
    const paths = corePaths({ FSB_ROOT: root }, 0);
    core = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
    const run = async (): Promise<string> => {
      const session = await core!.pools.run({ pool: 'default-pool', exec: execOf(['echo', 'hi']) });
      return (await finish(session)).stdout.toString();
    };
    const free = await fill();
    // The first may still have an idle instance; that others cannot be booted is logged beside it.
    for (let runs = 0; runs < 40; runs++)
      await run().catch((error: unknown) => expect(error).toBeInstanceOf(FsbError));
    expect(await core.sandboxes.list({})).toEqual([]);
    await free();
    await core.pools.update('default-pool', { reset: true });
    expect(await run()).toBe('hi\n');
  } finally {
    await core?.close();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  }
  expect(await readFile(join(root, 'state/core.log'), 'utf8')).toContain('"msg":"stopped"');
});
