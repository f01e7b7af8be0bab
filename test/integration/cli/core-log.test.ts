import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openCoreLog } from '../../../src/cli/local/core-log.ts';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError } from '../../../src/core/model/errors.ts';
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

it('keeps a mebibyte of what a full disk does not take, and goes on when there is room', async () => {
  const paths = corePaths({ FSB_ROOT: join(disk, 'log') }, 0);
  const log = openCoreLog(paths, 'info');
  const free = await fill();
  for (let line = 0; line < 5000; line++) log.info({ line }, 'x'.repeat(1000));
  await free();
  log.info('short');
  const lines = (await readFile(paths.log, 'utf8')).trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(500);
  expect(lines.length).toBeLessThan(1100);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ msg: 'short' });
});

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
