import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, droppedOf, makePlace, textOf } from '../../unit/logs/harness.ts';

const flood = fileURLToPath(new URL('../../fixtures/log-flood.ts', import.meta.url));

/** Runs the flood until it has confirmed `bytes`, kills it, and tells the last offset that it confirmed. */
async function floodAndKill(directory: string, bytes: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', flood, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text = text.slice(-100) + data.toString();
    if (lastNumber(text) >= bytes) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return lastNumber(text);
}

const lastNumber = (text: string): number => Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1));

describe('a core that is killed while it writes', () => {
  it('has every byte in the log that was confirmed, and goes on from there', {
    timeout: 60_000,
  }, async () => {
    await using place = await makePlace();
    for (const bytes of [1, 400_000, 2_000_000]) {
      const confirmed = await floodAndKill(place.directory, bytes);
      const store = await place.open();
      const writer = await store.writer('box');
      expect(writer.offsets.stdout).toBeGreaterThanOrEqual(confirmed);
      const entries = await collect(store);
      let at = 0;
      for (const entry of entries) {
        at += entry.dropped ?? 0;
        for (const byte of entry.data) if (byte !== at++ % 251) expect.fail(`wrong byte at ${at - 1}`);
      }
      expect(at).toBe(writer.offsets.stdout);
      await store.close();
    }
  });
});

describe('a log on a full disk', () => {
  let disk: string;

  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'fsb-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'fsb-test', disk]);
  });

  afterEach(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  it('says so, stays readable, and goes on when there is room again', async () => {
    await using place = await makePlace();
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(100_000));
    const store = await place.open({ directory: disk });
    const writer = await store.writer('box');
    const line = Buffer.alloc(10_000, 'x');
    let failure: unknown;
    while (failure === undefined)
      await writer
        .append({ stream: 'stdout', offset: writer.offsets.stdout, data: line })
        .catch((error: unknown) => {
          failure = error;
        });
    expect(failure).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/the disk of .* is full/),
      hint: expect.stringContaining('fsb-ctl image prune'),
    });

    const { stdout } = writer.offsets;
    expect(textOf(await collect(store)).length).toBe(stdout);
    rmSync(ballast);
    await writer.append({ stream: 'stdout', offset: stdout, data: Buffer.from('after\n') });
    await writer.end();
    const later = await collect(await place.open({ directory: disk }));
    expect(textOf(later)).toBe(`${'x'.repeat(stdout)}after\n`);
    expect(droppedOf(later)).toBe(0);
  });

  it('fails everything that waited behind the failed write, and doubles nothing on retry', async () => {
    await using place = await makePlace();
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(150_000));
    const store = await place.open({ directory: disk, segmentBytes: 40_000, maxSegments: 10 });
    const writer = await store.writer('box');
    const whole = Buffer.alloc(160_000, 'abcdefghij\n');
    const pieces = Array.from({ length: 40 }, (_, i) => ({
      stream: 'stdout' as const,
      offset: i * 4000,
      data: whole.subarray(i * 4000, (i + 1) * 4000),
    }));
    const results = await Promise.allSettled(pieces.map((piece) => writer.append(piece)));
    expect(results.some((result) => result.status === 'rejected')).toBe(true);
    rmSync(join(disk, 'ballast'));
    for (const piece of pieces) await writer.append(piece);
    expect(textOf(await collect(store))).toBe(whole.toString());
  });
});
