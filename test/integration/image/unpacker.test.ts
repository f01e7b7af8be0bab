import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startWorker } from '../../../src/core/image/unpack/threads/start-worker.ts';
import {
  createUnpacker,
  type UnpackerOptions,
} from '../../../src/core/image/unpack/threads/worker-unpacker.ts';
import type { Unpacker } from '../../../src/core/image/unpack/unpacker.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { launch } from '../../helpers/guest/guest-programs.ts';
import { sha256, tarOf } from '../../helpers/image/image-files.ts';
import { rawEntry, rawTar } from '../../helpers/image/raw-tar.ts';
import { isWhiteout, useUnpackFixture } from '../../helpers/image/unpack-fixture.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const layer = useUnpackFixture();
let started: Worker[];

beforeEach(() => {
  started = [];
});

function unpackerWith(options: Partial<UnpackerOptions> = {}): Unpacker {
  const start: UnpackerOptions['start'] = (limits) => {
    const worker = startWorker(limits);
    started.push(worker);
    return worker;
  };
  const unpacker = createUnpacker({ clock: systemClock, launch, start, ...options });
  onTestFinished(() => unpacker.close());
  return unpacker;
}

async function blobOf(
  tar: Buffer,
  compress: (tar: Buffer) => Buffer = gzipSync,
): Promise<{ blob: string; diffId: string; directory: string }> {
  const blob = join(layer.directory, 'blob');
  await writeFile(blob, compress(tar));
  return { blob, diffId: sha256(tar), directory: layer.root };
}

/** Takes long, and never as long as a test may. */
const largeTar = (): Buffer =>
  rawTar(
    ...Array.from({ length: 10_000 }, (_, i) =>
      rawEntry({ name: `d${i % 100}/f${i}`, content: 'x'.repeat(600) }),
    ),
  );

async function openFiles(): Promise<string[]> {
  const names = await readdir('/proc/self/fd');
  const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(layer.directory));
}

describe('the unpacker', () => {
  it('unpacks in a thread, tells how far it is, and takes the next layer in the same one', async () => {
    const unpacker = unpackerWith();
    const read: number[] = [];
    const tar = await tarOf([{ name: 'f', content: randomBytes(2_000_000) }, { name: '.wh.gone' }]);
    const request = await blobOf(tar);
    expect(await unpacker.unpack({ ...request, onProgress: (bytes) => read.push(bytes) })).toBe(2_000_000);
    expect(read.at(-1)).toBe((await readFile(request.blob)).length);
    expect(read.length).toBeGreaterThan(2);
    expect(await isWhiteout(join(layer.root, 'gone'))).toBe(true);
    await layer.clear();
    await unpacker.unpack(await blobOf(await tarOf([{ name: 'g' }]), (plain) => plain));
    expect(await readdir(layer.root)).toEqual(['g']);
    expect(started).toHaveLength(1);
  });

  it('hands over errors as they are, and goes on', async () => {
    const unpacker = unpackerWith();
    const request = await blobOf(await tarOf([{ name: 'f' }]));
    const wrong = { ...request, diffId: sha256('other') };
    await expect(unpacker.unpack(wrong)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('damaged'),
    });
    await layer.clear();
    await expect(unpacker.unpack({ ...request, blob: '/no/blob' })).rejects.toMatchObject({
      code: 'internal',
    });
    expect(await unpacker.unpack(request)).toBe(0);
    expect(started).toHaveLength(1);
  });

  it('stops when it is told to, with nothing open, and is of use afterwards', async () => {
    const unpacker = unpackerWith({ threads: 1 });
    const abort = new AbortController();
    const request = await blobOf(largeTar());
    const onProgress = (): void => abort.abort();
    const first = unpacker.unpack({ ...request, onProgress }, abort.signal);
    const second = unpacker.unpack(request, abort.signal);
    const outcomes = await Promise.allSettled([first, second]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
    expect(await openFiles()).toEqual([]);
    await layer.clear();
    await unpacker.unpack(await blobOf(await tarOf([{ name: 'f' }])));
    expect(started).toHaveLength(1);
  });

  it('ends a thread that does not listen any more', async () => {
    const clock = createManualClock();
    const deaf = `require('node:worker_threads').parentPort.on('message', () => { for (;;); });`;
    const unpacker = unpackerWith({ clock, start: () => new Worker(deaf, { eval: true }) });
    const abort = new AbortController();
    const unpacking = unpacker.unpack(await blobOf(await tarOf([])), abort.signal);
    await turn();
    abort.abort();
    await clock.advance(2_000);
    await expect(unpacking).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('a thread that crashes fails its own layer only', async () => {
    let crashes = true;
    const unpacker = unpackerWith({
      start: (limits) =>
        crashes ? new Worker(`throw new Error('broken')`, { eval: true }) : startWorker(limits),
    });
    const request = await blobOf(await tarOf([{ name: 'f' }]));
    await expect(unpacker.unpack(request)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('broken'),
    });
    crashes = false;
    expect(await unpacker.unpack(request)).toBe(0);
  });

  it('a layer that takes too much memory fails alone', async () => {
    const greedy = `const all = []; for (;;) all.push(new Array(10_000).fill(Math.random()));`;
    const unpacker = unpackerWith({
      memoryMb: 16,
      start: (resourceLimits) => new Worker(greedy, { eval: true, resourceLimits }),
    });
    const failure = unpacker.unpack(await blobOf(await tarOf([])));
    await expect(failure).rejects.toMatchObject({
      code: 'no_capacity',
      message: expect.stringContaining('16 MiB'),
    });
  });

  it('ends threads that have nothing to do', async () => {
    const clock = createManualClock();
    const unpacker = unpackerWith({ clock, idleMs: 1_000 });
    const request = await blobOf(await tarOf([{ name: 'f' }]));
    await unpacker.unpack(request);
    const ended = new Promise((resolve) => started[0]!.once('exit', resolve));
    await clock.advance(1_000);
    await ended;
    await layer.clear();
    expect(await unpacker.unpack(request)).toBe(0);
    expect(started).toHaveLength(2);
  });

  it('closes in the middle of work, and takes nothing more', async () => {
    const unpacker = unpackerWith();
    const request = await blobOf(largeTar());
    let closing: Promise<void> | undefined;
    const unpacking = unpacker.unpack({ ...request, onProgress: () => (closing ??= unpacker.close()) });
    await expect(unpacking).rejects.toMatchObject({ code: 'unavailable' });
    await closing;
    await unpacker.close();
    expect(await openFiles()).toEqual([]);
    await expect(unpacker.unpack(request)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('has programs started by others, and says what they say', async () => {
    const asked: string[][] = [];
    const unpacker = unpackerWith({
      launch: async (words) => {
        asked.push(words);
        return { code: 125, stderr: 'fsb-launch: make whiteout gone: Operation not permitted\n' };
      },
    });
    const failure = unpacker.unpack(await blobOf(await tarOf([{ name: '.wh.gone' }])));
    await expect(failure).rejects.toMatchObject({
      ...{ code: 'unsupported', message: expect.stringContaining('make whiteout gone') },
    });
    expect(asked).toEqual([['mark', layer.root, `${layer.root}.marks`]]);
    expect(await readdir(layer.directory)).not.toContain('layer.marks');
  });

  it('waits for the end of a program that it gives up', async () => {
    const abort = new AbortController();
    let hasEnded = false;
    const unpacker = unpackerWith({
      launch: async (_words, { signal }) => {
        abort.abort();
        await turn();
        hasEnded = signal!.aborted;
        throw signal!.reason;
      },
    });
    const failure = unpacker.unpack(await blobOf(await tarOf([{ name: '.wh.gone' }])), abort.signal);
    await expect(failure).rejects.toMatchObject({ code: 'cancelled' });
    expect(hasEnded).toBe(true);
  });
});
