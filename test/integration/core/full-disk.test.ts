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

describe('a sandbox that writes while the disk is full', () => {
  it('goes on after a while, and its log shows what is missing, and has what comes when there is room', async () => {
    const line = (n: number): string => `${String(n).padStart(9_999, '0')}\n`;
    // What it keeps is in memory: there is no room for files.
    const loop =
      'while [ ! -e stop ]; do i=$((i+1)); printf "%09999d\\n" $i; echo $i >now; sleep 0.005; done';
    const script = `cd /dev/shm; i=0; ${loop}; echo $i >&2`;
    const box = await bench.shell(script);
    const written = async (): Promise<number> => {
      const { stdout } = await bench.run(box, 'cat /dev/shm/now || echo 0');
      return 10_000 * Number(stdout.toString());
    };
    const follower = (async () => {
      const entries = [];
      const follow = { follow: true, stdout: true, stderr: true };
      for await (const entry of bench.core.sandboxes.logs(box, follow)) entries.push(entry);
      return entries;
    })();
    while ((await written()) < 200_000);
    const free = await fill(64 * 1024);
    // It is held back, and after its patience it writes again, more than all windows hold.
    let stalled = 0;
    for (let now = await written(), before = -1; now !== before; now = await written()) {
      before = stalled = now;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    while ((await written()) < stalled + 2_000_000) await new Promise((resolve) => setTimeout(resolve, 200));
    await free();
    const roomAt = await written();
    while ((await written()) < roomAt + 2_000_000) await new Promise((resolve) => setTimeout(resolve, 200));
    await bench.run(box, 'touch /dev/shm/stop');
    expect(await bench.core.sandboxes.wait(box)).toMatchObject({ code: 0 });

    const entries = await follower;
    const last = Number(Buffer.concat(entries.filter((e) => e.stream === 'stderr').map((e) => e.data)));
    const said = entries.filter((entry) => entry.stream === 'stdout');
    const dropped = entries.reduce((sum, entry) => sum + (entry.dropped ?? 0), 0);
    expect(dropped).toBeGreaterThan(1_000_000);
    // Every byte is where it belongs, or accounted for.
    let at = 0;
    for (const { data, dropped: missing = 0 } of said) {
      at += missing;
      const first = Math.floor(at / 10_000);
      const count = Math.ceil(data.length / 10_000) + 1;
      const expected = Array.from({ length: count }, (_, i) => line(first + i + 1)).join('');
      expect(data.toString() === expected.substr(at % 10_000, data.length)).toBe(true);
      at += data.length;
    }
    expect(at).toBe(last * 10_000);
  }, 120_000);
});
