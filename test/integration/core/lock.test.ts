import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acquireLock } from '../../../src/core/root/lock.ts';
import { buildGuest, guestDirectory } from '../../helpers/core/real-core.ts';

const binary = join(guestDirectory, 'fsb-launch');
let directory: string;
let file: string;

beforeAll(async () => {
  buildGuest();
  directory = await mkdtemp(join(tmpdir(), 'fsb-lock-'));
  file = join(directory, 'lock');
});

afterAll(() => rm(directory, { recursive: true }));

async function holder(): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)))
    if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).endsWith(`${file}\0`))
      return Number(pid);
  throw new Error('nobody holds the lock');
}

it('is held by one, waited for as long as asked, and free after release', async () => {
  const lock = await acquireLock(binary, file, 0);
  await expect(acquireLock(binary, file, 0)).rejects.toMatchObject({
    code: 'conflict',
    hint: expect.any(String),
  });
  const next = acquireLock(binary, file, 10_000);
  await lock.release();
  await lock.release();
  await (await next).release();
});

it('tells when it was lost, so that no two cores use one root', async () => {
  const lock = await acquireLock(binary, file, 0);
  process.kill(await holder(), 'SIGKILL');
  await lock.lost;
  await (await acquireLock(binary, file, 1000)).release();
});

it('says why it cannot be had', async () => {
  await expect(acquireLock(binary, join(directory, 'no/such/lock'), 0)).rejects.toMatchObject({
    code: 'run_failed',
  });
  await expect(acquireLock('/no/such/program', file, 0)).rejects.toMatchObject({ code: 'run_failed' });
});
