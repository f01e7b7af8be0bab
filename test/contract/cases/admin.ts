import { expect, it } from 'vitest';
import { errorOf, type Workbench } from '../workbench.ts';

export function adminCases(bench: Workbench): void {
  it('lists images, the built-in one first', async () => {
    const [host] = await bench.core.images.list();
    expect(host).toMatchObject({ references: ['host'], digest: expect.stringMatching(/^sha256:/) });
    expect(host!.importedAt).toBeGreaterThanOrEqual(0);
  });

  it('says what is wrong with images', async () => {
    const { images } = bench.core;
    const path = '/no/such/file.tar';
    expect(await errorOf(images.import({ path }))).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(path),
    });
    expect(await errorOf(images.remove('no-such-image'))).toMatchObject({ code: 'not_found' });
    expect(await errorOf(images.remove('host'))).toMatchObject({ code: 'conflict' });
  });

  it('tells how the pools are', async () => {
    const rows = await bench.core.pools.status();
    for (const row of rows)
      expect(row).toMatchObject({
        pool: expect.any(String),
        max: expect.any(Number),
        idle: expect.any(Number),
      });
  });

  it('tells about itself', async () => {
    const info = await bench.core.system.info();
    expect(info).toMatchObject({ version: expect.any(String), runtime: expect.any(String) });
    expect(info.pid).toBeGreaterThan(0);
  });
}
