import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, execOf, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { type SmallDisk, smallDisk } from '../../helpers/core/small-disk.ts';
import { numbersProblem, textOf } from '../../helpers/core/storm/promises.ts';
import { delay, logged, until } from '../../helpers/core/waiting.ts';

let disk: SmallDisk;
let core: RealCore;
const bench = new Workbench();

beforeEach(async () => {
  disk = await smallDisk(32 * 1024 * 1024);
  core = await startRealCore({ root: join(disk.path, 'r'), pool: { warm: [] } });
  bench.use(core.remote);
});

afterEach(async () => {
  await core.close();
  await disk.close();
});

const full = {
  code: 'no_capacity',
  message: expect.stringMatching(/the disk(?: of \/.*)? is full/),
  hint: expect.stringContaining('fsb-ctl image prune'),
};

/** The number of the last whole line in the log of one that counts. */
const lastLine = async (box: Sandbox): Promise<number> =>
  Number((await textOf(bench.core, box)).match(/line (\d+)\n(?!.*\n)/s)?.[1] ?? -1);

/** Bytes. */
async function room(): Promise<number> {
  const { bavail, bsize } = await statfs(disk.path);
  return bavail * bsize;
}

describe('a core whose disk is full', () => {
  // With nothing or little left no file of the instance can be written, with more none of the runtime.
  it.each([0, 8, 16, 32])('says so when it cannot boot, with %i KiB left', async (kib) => {
    const { pools } = bench.core;
    const free = await disk.fill(kib * 1024);
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

  it('lets what runs go on: it waits with what it writes, and nothing of it is lost', async () => {
    const box = await bench.shell('i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.001; done');
    const other = await bench.idle();
    await logged(bench, box, 'line 9\n');
    const free = await disk.fill();
    const { sandboxes } = bench.core;
    await delay(300);
    expect((await bench.run(box, 'echo hi; echo hi > /file')).stdout.toString()).toBe('hi\n');
    expect((await bench.run(box, 'head -c 1000000 /dev/zero > /file')).stderr.toString()).toContain(
      'No space left on device',
    );
    expect(await textOf(bench.core, box)).toContain('line 9\n');
    await sandboxes.rename(other, 'renamed');
    // What is warm still serves; there is no room for another one.
    let refused: unknown;
    for (let tries = 0; tries < 5 && refused === undefined; tries++)
      refused = await bench.idle().then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toMatchObject(full);
    const atFull = await lastLine(box);
    await free();
    // Far beyond what still fitted into the last block of its file.
    await until(async () => (await lastLine(box)) > atFull + 500);
    for (const one of [box, { ...other, name: 'renamed' }])
      expect((await sandboxes.get(one)).state.phase).toBe('Running');
    await sandboxes.stop(box, { grace: 0 });
    const text = await textOf(bench.core, box);
    expect(numbersProblem(text.slice(0, text.lastIndexOf('\n') + 1))).toBeUndefined();
  });

  it('deletes sandboxes, and so makes room', async () => {
    const other = await bench.idle();
    const filler = await bench.shell('head -c 100000000 /dev/zero > /file; exec sleep 1000');
    // Not by a line of its log: that may have no room any more.
    await until(async () => (await room()) < 1024 * 1024);
    expect((await bench.run(other, 'echo hi')).stdout.toString()).toBe('hi\n');
    await bench.core.sandboxes.delete(filler, { grace: 0 });
    while ((await room()) < 20 * 1024 * 1024) await delay(20);
    await bench.core.pools.update('default-pool', { reset: true });
    const box = await bench.idle();
    expect((await bench.run(box, 'head -c 1000000 /dev/zero > /file && echo hi')).stdout.toString()).toBe(
      'hi\n',
    );
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
    const free = await disk.fill(64 * 1024);
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
