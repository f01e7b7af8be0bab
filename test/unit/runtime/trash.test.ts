import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import type { Launcher } from '../../../src/core/runtime/oci/launcher/launcher.ts';
import { createTrash } from '../../../src/core/runtime/oci/trash.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

it('what cannot be removed keeps nothing else, and is told once', async () => {
  const directory = await mkdtemp('/tmp/fsb-trash-');
  for (let n = 0; n < 200; n++) await mkdir(join(directory, `t${n}`));
  const [held] = await readdir(directory);
  const launcher = {
    async run([, , , , ...paths]: string[]) {
      const heldPath = join(directory, held!);
      for (const path of paths) if (path !== heldPath) await rm(path, { recursive: true });
      return paths.includes(heldPath)
        ? { code: 1, signal: null, stderr: `rm: cannot remove '${heldPath}': Operation not permitted` }
        : { code: 0, signal: null, stderr: '' };
    },
  } as unknown as Launcher;
  const complaints: string[] = [];
  const log = pino(
    { level: 'warn' },
    { write: (line: string) => void complaints.push(JSON.parse(line).err.message) },
  );
  const trash = createTrash(directory, { launcher, log, clock: createManualClock() });
  trash.empty();
  await vi.waitFor(() => expect(complaints).toHaveLength(1), 10_000);
  expect(await readdir(directory)).toEqual([held]);
  expect(complaints[0]).toContain('Operation not permitted');
  await trash.close();
  await rm(directory, { recursive: true });
});

it('what cannot be removed is named, and tried again until it is gone', async () => {
  const directory = await mkdtemp('/tmp/fsb-trash-');
  const launcher = {
    failing: true,
    tries: 0,
    async run([, , , , ...paths]: string[]) {
      this.tries += 1;
      if (this.failing) return { code: 1, signal: null, stderr: 'rm: cannot remove it' };
      for (const path of paths) await rm(path, { recursive: true });
      return { code: 0, signal: null, stderr: '' };
    },
  };
  const clock = createManualClock();
  const complaints: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void complaints.push(line) });
  const trash = createTrash(directory, { launcher: launcher as unknown as Launcher, log, clock });
  for (const id of ['i1', 'i1', 'i2']) await mkdir(trash.placeFor(`/layers/${id}`));
  trash.empty();
  await vi.waitFor(() => expect(trash.stuck.toSorted()).toEqual(['i1', 'i2']), 10_000);
  for (const pause of [1_000, 2_000]) {
    const { tries } = launcher;
    await vi.waitFor(() => expect(clock.pending).toBe(1), 10_000);
    await clock.advance(pause - 1);
    expect(launcher.tries).toBe(tries);
    await clock.advance(1);
    await vi.waitFor(() => expect(launcher.tries).toBe(tries + 1), 10_000);
  }
  expect(complaints).toHaveLength(1);
  launcher.failing = false;
  await vi.waitFor(() => expect(clock.pending).toBe(1), 10_000);
  await clock.advance(4_000);
  await vi.waitFor(() => expect(trash.stuck).toEqual([]), 10_000);
  expect(await readdir(directory)).toEqual([]);
  expect(clock.pending).toBe(0);
  await trash.close();
  await rm(directory, { recursive: true });
});

it('is closed in two seconds, although what removes it does not even answer that it was killed', async () => {
  const directory = await mkdtemp('/tmp/fsb-trash-');
  await mkdir(join(directory, 'big'));
  const clock = createManualClock();
  const run = vi.fn(() => new Promise<never>(() => {}));
  const log = pino({ level: 'silent' });
  const trash = createTrash(directory, { launcher: { run } as unknown as Launcher, log, clock });
  trash.empty();
  await vi.waitFor(() => expect(run).toHaveBeenCalledOnce(), 10_000);
  let closed = false;
  void trash.close().then(() => {
    closed = true;
  });
  await clock.advance(1_999);
  expect(closed).toBe(false);
  await clock.advance(1);
  expect(closed).toBe(true);
  await rm(directory, { recursive: true });
});
