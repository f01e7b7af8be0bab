import { mkdtemp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { writeBusyboxImage } from '../../helpers/busybox-image.ts';
import { type RealCore, startRealCore } from '../../helpers/real-core.ts';

describe('an image that sandboxes used', () => {
  const bench = new Workbench();
  let core: RealCore;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp('/tmp/fsb-i-');
    core = await startRealCore({ pool: { warm: [] } });
    bench.use(core.running.api);
  });
  afterAll(async () => {
    await core.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('can be removed as soon as the last of them is deleted, and not before', async () => {
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    const box = await bench.idle({ image: name });
    expect(await errorOf(images.remove(name))).toMatchObject({
      code: 'conflict',
      message: 'cannot remove image busybox:test: sandboxes use it',
    });
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await images.remove(name);
    expect((await images.list()).map(({ references }) => references)).toEqual([['host']]);
    for (const row of await pools.status()) expect(row).toMatchObject({ idle: 0, booting: 0, claimed: 0 });
    expect(await errorOf(bench.idle({ image: name }))).toMatchObject({ code: 'not_found' });
  });
});
