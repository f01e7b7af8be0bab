import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import { errorOf } from '../../contract/workbench.ts';
import { addImage, tarOf } from '../../helpers/image/image-files.ts';
import { inState, usePullFixture } from '../../helpers/image/pull-fixture.ts';

const images = usePullFixture();

/** Room for two of the three layers. */
const SIZE = 10 * 1024 * 1024;
const LAYER = 4 * 1024 * 1024;

beforeEach(async () => {
  await images.store.close();
  await mkdir(images.stateDirectory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'fsb-test', images.stateDirectory]);
  await images.open();
});

afterEach(async () => {
  await images.store.close();
  execFileSync('umount', [images.stateDirectory]);
});

const full = {
  code: 'no_capacity',
  message: expect.stringMatching(/^cannot pull tool.*(the disk is full|left on the disk|on the disk, and)/),
  hint: expect.stringContaining('fsb-ctl image prune'),
};

async function nothingIsLeft(): Promise<void> {
  for (const place of ['images/partial', 'images/staging', 'images/blobs/sha256', 'images/layers'])
    expect(await readdir(join(images.stateDirectory, place))).toEqual([]);
}

describe('a pull for which the disk is too small', () => {
  beforeEach(async () => {
    const layers = await Promise.all(
      ['a', 'b', 'file'].map((name) => tarOf([{ name, content: randomBytes(LAYER) }])),
    );
    images.registries.tag('large', addImage(images.files, { layers }));
  });

  it('says so, and leaves nothing of any layer, so that others have room again', async () => {
    expect(await errorOf(images.pull('tool:large'))).toMatchObject(full);
    await nothingIsLeft();
    await images.pull('tool:latest');
    expect(await images.contentOf('tool:latest')).toBe('A');
  });

  it('goes through when there is room', async () => {
    expect(await errorOf(images.pull('tool:large'))).toMatchObject(full);
    execFileSync('mount', ['-o', `remount,size=${8 * SIZE}`, images.stateDirectory]);
    await images.pull('tool:large');
    expect(await images.leftovers()).toEqual([]);
  });
});

describe('a disk that others fill under a pull', () => {
  beforeEach(async () => {
    const many = Array.from({ length: 500 }, (_, at) => ({ name: `many/${at}`, content: randomBytes(100) }));
    const layers = [await tarOf([...many, { name: 'file', content: 'right' }])];
    images.registries.tag('many', addImage(images.files, { layers }));
  });

  it.each([
    ['before the blobs come', (event: PullEvent) => event.kind === 'resolved'],
    ['when the layer has come', inState('downloaded')],
    ['while it is unpacked', inState('unpacking')],
  ])('%s', async (_, isMeant) => {
    const filler = join(images.stateDirectory, 'full');
    const pulling = async (): Promise<void> => {
      for await (const event of images.store.pull({ reference: 'tool:many' }))
        if (isMeant(event))
          execFileSync('sh', ['-c', 'cat /dev/zero >>"$1" 2>/dev/null || true', 'sh', filler]);
    };
    expect(await errorOf(pulling())).toMatchObject(full);
    await nothingIsLeft();
    await rm(filler);
    await images.pull('tool:many');
    expect(await images.contentOf('tool:many')).toBe('right');
    expect(await images.leftovers()).toEqual([]);
  });
});
