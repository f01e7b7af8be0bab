import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UnpackLimits } from '../../../src/core/image/unpack/budget.ts';
import { buildGuest } from '../../helpers/guest/guest-programs.ts';
import { layoutFiles, type TestEntry, tarOf } from '../../helpers/image/image-files.ts';
import { ImageStoreFixture } from '../../helpers/image/image-store-fixture.ts';

const images = new ImageStoreFixture();
beforeAll(buildGuest);

describe('the layers of an image together', () => {
  afterEach(() => images.tearDown());

  async function importWith(limits: Partial<UnpackLimits>): Promise<void> {
    await images.setUp({ limits });
    const entries = (name: string): TestEntry[] =>
      [1, 2, 3].map((i) => ({ name: `d${i}/${name}`, content: name.repeat(10_000) }));
    const layers = await Promise.all(['a', 'b'].map((name) => tarOf(entries(name))));
    await images.import(await images.archive(layoutFiles([{ name: 'together', layers }])));
  }

  it.each<[Partial<UnpackLimits>, string]>([
    [{ entries: 5 }, 'more than 5 entries'],
    [{ bytes: 50_000 }, 'more than 50000 bytes'],
    [{ steps: 5 }, 'more than 5 steps'],
  ])('are held to %j, also when each is below it', async (limits, message) => {
    await expect(importWith(limits)).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining(message) },
    });
    expect(await images.leftovers()).toEqual([]);
  });

  it('may have just as much', async () => {
    await importWith({ entries: 6, bytes: 70_000, steps: 6 });
    expect(await images.store.list()).toHaveLength(2);
  });
});

describe('on a disk that gets full', () => {
  const SIZE = 64 * 1024 ** 2;

  beforeEach(async () => {
    await images.setUp();
    await images.store.close();
    await mkdir(images.stateDirectory, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'fsb-test', images.stateDirectory]);
    await images.open();
  });

  afterEach(async () => {
    await images.store.close();
    execFileSync('umount', [images.stateDirectory]);
    await images.tearDown();
  });

  /** The least that was free at any moment, in bytes. */
  async function leastFreeWhile(work: Promise<unknown>): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    while (!isOver) {
      const { bavail, bsize } = await statfs(images.stateDirectory);
      least = Math.min(least, bavail * bsize);
    }
    return least;
  }

  async function expectRefused(work: Promise<unknown>): Promise<void> {
    const [outcome, least] = await Promise.all([work.catch((error: unknown) => error), leastFreeWhile(work)]);
    expect(outcome).toMatchObject({
      ...{ code: 'no_capacity', message: expect.stringMatching(/would be left/) },
      hint: expect.stringContaining('image prune'),
    });
    expect(least).toBeGreaterThan(0);
    for (const directory of ['blobs/sha256', 'partial', 'layers', 'staging'])
      expect(await readdir(join(images.stateDirectory, 'images', directory))).toEqual([]);
  }

  it('a stream without an end stops before the last byte', async () => {
    const block = Buffer.alloc(1024 ** 2);
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) yield block;
    }
    await expectRefused(images.store.import({ source: { content: endless() }, name: 'x' }));
  });

  it('a layer that unpacks to more than there is stops before the last byte', async () => {
    const layer = await tarOf([{ name: 'zeros', content: Buffer.alloc(2 * SIZE) }]);
    const path = await images.archive(layoutFiles([{ name: 'x', layers: [layer] }]));
    await expectRefused(images.import(path));
  });

  it('a compressed archive of more than there is stops before the last byte', async () => {
    const layer = await tarOf([{ name: 'zeros', content: Buffer.alloc(2 * SIZE) }]);
    const path = await images.archive(
      layoutFiles([{ name: 'x', layers: [layer], compress: (plain) => plain }]),
      gzipSync,
    );
    await expectRefused(images.import(path));
  });

  it('a blob that is too large is not begun', async () => {
    const layer = await tarOf([{ name: 'random', content: randomBytes(SIZE) }]);
    const path = await images.archive(layoutFiles([{ name: 'x', layers: [layer] }]));
    await expectRefused(images.import(path));
    await writeFile(join(images.stateDirectory, 'others'), 'have room');
  });
});
