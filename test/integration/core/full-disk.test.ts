import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, execOf, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

const SIZE = 32 * 1024 * 1024;

let disk: string;
let core: RealCore;
const bench = new Workbench();

beforeEach(async () => {
  disk = await mkdtemp('/tmp/fsb-d-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'fsb-test', disk]);
  core = await startRealCore({ root: join(disk, 'r'), pool: { warm: [] } });
  bench.use(core.remote);
});

afterEach(async () => {
  await core.close();
  execFileSync('umount', [disk]);
  await rmdir(disk);
});

/** Takes all but `left` bytes of the disk. @returns gives them back */
async function fill(left: number): Promise<() => Promise<void>> {
  const path = join(disk, 'full');
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(randomBytes(64 * 1024));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
  const { size } = await file.stat();
  await file.truncate(size - left);
  await file.close();
  return () => rm(path);
}

describe('a core whose disk is full', () => {
  // With nothing left no record can be written, with a little no file of the instance, with more none of the runtime.
  it.each([0, 8, 16, 64])('says so when it cannot boot, with %i KiB left', async (kib) => {
    const { pools } = bench.core;
    const free = await fill(kib * 1024);
    const full = {
      code: 'no_capacity',
      message: expect.stringMatching(/the disk(?: of \/.*)? is full/),
      hint: expect.stringContaining('fsb-ctl image prune'),
    };
    // The first one boots three times, the second finds that it was tried.
    for (const _ of [1, 2]) {
      expect(await errorOf(bench.idle())).toMatchObject(full);
      const run = pools.run({ pool: 'default-pool', exec: execOf(['true']) });
      expect(await errorOf(run)).toMatchObject(full);
    }
    // There may have been too little room even to remove a record.
    const left = await bench.core.sandboxes.list({});
    for (const { state } of left) expect(state).toMatchObject({ phase: 'Failed', reason: full.message });
    await free();
    for (const box of left) await bench.core.sandboxes.delete(box);
    expect(await bench.core.sandboxes.list({})).toEqual([]);
    await pools.update('default-pool', { reset: true });
    const box = await bench.idle();
    expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
  });
});
