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

  it('tells what everything takes', async () => {
    const usage = await bench.core.system.usage();
    const number = expect.any(Number);
    expect(usage).toEqual({
      images: { size: number, reclaimable: number, leftovers: number },
      ...{ instances: expect.any(Array), logs: expect.any(Array), setAside: expect.any(Array) },
      ...{ records: { count: number, size: number }, trash: number },
    });
    for (const instance of usage.instances)
      expect(instance).toEqual({
        ...{ id: expect.any(String), pool: expect.any(String), files: number, memory: number },
        holder: expect.stringMatching(/^(sandbox|files|lease|run|idle|nobody)$/),
        ...(['sandbox', 'files'].includes(instance.holder) && { sandboxId: expect.any(String) }),
      });
  });

  it('tells how it is', async () => {
    const { records, recovery, disk, stuck, logs } = await bench.core.system.health();
    expect(records.size).toBeGreaterThan(0);
    expect(Object.values(recovery).every(Number.isInteger)).toBe(true);
    expect(disk.total).toBeGreaterThanOrEqual(disk.free);
    expect(logs).toBeGreaterThanOrEqual(0);
    expect(stuck).toEqual(expect.any(Array));
  });

  it('tells the logs that are kept of deleted sandboxes, and removes them', async () => {
    const { system } = bench.core;
    const kept = await system.retainedLogs();
    const { logs } = await system.usage();
    for (const { sandboxId, deleted } of kept)
      expect(logs.find((log) => log.sandboxId === sandboxId)?.deleted).toEqual(deleted);
    await system.removeLogs([...kept.map(({ sandboxId }) => sandboxId), 'f'.repeat(32)]);
    expect(await system.retainedLogs()).toEqual([]);
  });

  it('removes what was set aside, and tells it', async () => {
    const { setAside } = await bench.core.system.health();
    expect(await bench.core.system.removeSetAside()).toEqual(setAside);
  });
}
