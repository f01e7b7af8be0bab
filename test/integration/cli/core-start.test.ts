import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureCore } from '../../../src/cli/local/daemon/ensure-core.ts';
import { stopCore } from '../../../src/cli/local/daemon/stop-core.ts';
import { guestDirectory } from '../../../src/cli/local/guest-directory.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { isGone } from '../../../src/core/model/process-identity.ts';
import { acquireLock } from '../../../src/core/root/lock.ts';
import { repository } from '../../helpers/core/real-core.ts';

/** What is said of a core that does not become one: a package whose program does what the test wants. */

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsb-start-'));
  await mkdir(join(root, 'package/bin'), { recursive: true });
  await symlink(join(repository, 'guest'), join(root, 'package/guest'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

/** @param program of Node, which is started as the core */
async function failureOf(program: string, deadline?: number) {
  await writeFile(join(root, 'package/bin/run.js'), program);
  const local = {
    paths: corePaths({ FSB_ROOT: root }, process.getuid!()),
    packageRoot: join(root, 'package'),
    env: process.env,
  };
  const failure = await ensureCore(local, [], deadline).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(FsbError);
  const { code, message, hint } = failure as FsbError;
  return { code, message, hint };
}

const its = (why: string) => ({
  code: 'unavailable',
  message: `cannot start the core: ${why}`,
  hint: expect.stringContaining(`(its log: ${join(root, 'state/core.log')})`),
});

describe('a core that', () => {
  it('is killed before it is ready is told of at once, with the signal', async () => {
    const failure = await failureOf(`process.kill(process.pid, 'SIGKILL')`);
    expect(failure).toEqual(its('it was ended by SIGKILL before it was ready'));
  });

  it('is killed a moment after it has let go of its descriptors is, too', async () => {
    const program = `require('node:fs').closeSync(3); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)`;
    expect(await failureOf(program)).toEqual(its('it was ended by SIGKILL before it was ready'));
  });

  it('is killed in the middle of its word is, too', async () => {
    const program = `require('node:fs').writeSync(3, '{"version":"1'); process.kill(process.pid, 'SIGKILL')`;
    expect(await failureOf(program)).toEqual(its('it was ended by SIGKILL before it was ready'));
  });

  it('ends without a word is told of with its exit code', async () => {
    expect(await failureOf('process.exit(1)')).toEqual(its('it ended with exit code 1 before it was ready'));
  });

  it('has printed what ails it is quoted', async () => {
    const program = `console.error('FATAL ERROR: heap out of memory'); process.kill(process.pid, 'SIGABRT')`;
    expect(await failureOf(program)).toEqual(
      its('it was ended by SIGABRT before it was ready: FATAL ERROR: heap out of memory'),
    );
  });

  it('is not ready in its time is told of, and ended', async () => {
    expect(await failureOf('setInterval(() => {}, 1000)', 500)).toEqual(its('it was not ready within 0.5 s'));
    const started = ['-f', join(root, 'package/bin/run.js')];
    await vi.waitFor(() => expect(spawnSync('pgrep', started).status).toBe(1), 30_000);
  });
});

it('a core that hangs is named when it does not stop, with what ends it', async () => {
  const paths = corePaths({ FSB_ROOT: root }, process.getuid!());
  await mkdir(paths.run, { mode: 0o700 });
  const core = spawn('sleep', ['60']);
  const listening = createServer().listen(paths.grpcSocket);
  await once(listening, 'listening');
  await writeFile(paths.status, JSON.stringify({ pid: core.pid }));
  const lock = await acquireLock(join(guestDirectory(repository), 'fsb-launch'), paths.lock, 0);
  const local = { paths, packageRoot: join(root, 'package'), env: process.env };
  await expect(stopCore(local, 100)).rejects.toMatchObject({
    code: 'timeout',
    hint: expect.stringMatching(new RegExp(`sandboxes outlive it: kill -9 ${core.pid}$`)),
  });
  await lock.release();
  listening.close();
  core.kill('SIGKILL');
});

it('a core has stopped when its process is gone, not only its lock', async () => {
  const paths = corePaths({ FSB_ROOT: root }, process.getuid!());
  await mkdir(paths.run, { mode: 0o700 });
  const core = spawn('bash', ['-c', `trap 'sleep 0.5; exit' TERM; echo up; while :; do sleep 0.05; done`]);
  await once(core.stdout, 'data');
  const listening = createServer().listen(paths.grpcSocket);
  await once(listening, 'listening');
  await writeFile(paths.status, JSON.stringify({ pid: core.pid }));
  const local = { paths, packageRoot: join(root, 'package'), env: process.env };
  expect(await stopCore(local)).toBe(true);
  expect(isGone(core.pid!)).toBe(true);
  listening.close();
});

describe('no core is begun', () => {
  const launch = (): string => join(guestDirectory(join(root, 'package')), 'fsb-launch');
  const lock = (): string => join(root, 'run/lock.start');
  /** Of a package whose fsb-launch is this; undefined: is not there. */
  async function failureWith(content: string | undefined, mode = 0o755) {
    await rm(join(root, 'package/guest'));
    await mkdir(dirname(launch()), { recursive: true });
    if (content !== undefined) await writeFile(launch(), content, { mode });
    return failureOf('');
  }
  const broken = (why: string) => ({
    ...its(`cannot lock ${lock()}: ${why}`),
    hint: expect.stringMatching(/^A program of fsb-ctl itself .*: fsb-ctl doctor .*\(its log: .*\)$/),
  });

  it('where fsb-launch is not there', async () => {
    expect(await failureWith(undefined)).toEqual(broken(`spawn ${launch()} ENOENT`));
  });

  it('where fsb-launch cannot be executed', async () => {
    expect(await failureWith('', 0o644)).toEqual(broken(`spawn ${launch()} EACCES`));
  });

  it('while another command is at it for too long', async () => {
    await mkdir(join(root, 'run'), { mode: 0o700 });
    const other = await acquireLock(join(guestDirectory(repository), 'fsb-launch'), lock(), 0);
    expect(await failureOf('', 100)).toEqual(its('another command has tried for 0.1 s'));
    await other.release();
  });
});
