import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { oldDockerSaveFiles, tarOf } from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const images = useImageStore();

/** A tar of one member of 8 GiB that takes no room on the disk: nobody reads it to its end within a test. */
async function hugeTar(): Promise<string> {
  const path = join(images.directory, 'huge.tar');
  const header = (await tarOf([{ name: 'huge', content: '' }])).subarray(0, 512);
  const size = 8 * 1024 ** 3 - 512;
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  await writeFile(path, header);
  await truncate(path, size + 512);
  return path;
}

const cancelled = new FsbError('cancelled', 'nobody waits any more');

describe('an import whose caller is gone', () => {
  it('ends in the middle of a member', async () => {
    const leaving = new AbortController();
    const importing = images.import(await hugeTar(), undefined, leaving.signal);
    while ((await images.openFiles()).length === 0) await setImmediate();
    leaving.abort(cancelled);
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    expect(await images.openFiles()).toEqual([]);
  });

  it('does not hold up the end of the core', async () => {
    const importing = images.import(await hugeTar());
    importing.catch(() => {});
    while ((await images.openFiles()).length === 0) await setImmediate();
    await images.store.close();
    await expect(importing).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('reads nothing at all when he had left before', async () => {
    const path = await images.archive(oldDockerSaveFiles([await tinyImage('a', 'A')]));
    await expect(images.import(path, undefined, AbortSignal.abort(cancelled))).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
