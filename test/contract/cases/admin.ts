import { expect, it } from 'vitest';
import type { Workbench } from '../workbench.ts';

export function adminCases(bench: Workbench): void {
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
