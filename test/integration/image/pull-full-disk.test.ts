import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addImage, tarOf } from '../../helpers/image/image-files.ts';
import { usePullFixture } from '../../helpers/image/pull-fixture.ts';

const images = usePullFixture();

/** Room for two of the three layers. */
const SIZE = 20 * 1024 * 1024;
const LAYER = 8 * 1024 * 1024;

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

describe('a pull for which the disk is too small', () => {
  it('says so, and leaves nothing of any layer, so that others have room again', async () => {
    const layers = await Promise.all(
      ['a', 'b', 'c'].map((name) => tarOf([{ name, content: randomBytes(LAYER) }])),
    );
    images.registries.tag('latest', addImage(images.files, { layers }));
    await expect(images.pull('large')).rejects.toMatchObject({ code: 'no_capacity' });
    expect(await readdir(`${images.stateDirectory}/images/partial`)).toEqual([]);
    expect(await readdir(`${images.stateDirectory}/images/blobs/sha256`)).toEqual([]);
    expect(await readdir(images.layersDirectory)).toEqual([]);
  });
});
