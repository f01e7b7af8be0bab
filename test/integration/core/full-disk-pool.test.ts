import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PoolShapeStatus } from '../../../src/core/model/pool/pool.ts';
import { Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { type SmallDisk, smallDisk } from '../../helpers/core/small-disk.ts';
import { traces } from '../../helpers/core/traces.ts';
import { delay, instances, until } from '../../helpers/core/waiting.ts';

const WARM = 3;

let disk: SmallDisk;
let core: RealCore;
const bench = new Workbench();

beforeEach(async () => {
  disk = await smallDisk(32 * 1024 * 1024);
  core = await startRealCore({
    root: join(disk.path, 'r'),
    pool: { warm: [{ image: 'host', count: WARM }] },
  });
  bench.use(core.remote);
});

afterEach(async () => {
  await core.close();
  await disk.close();
});

const row = async (): Promise<PoolShapeStatus> => (await core.remote.pools.status())[0]!;
const isFull = async (): Promise<boolean> => {
  const { idle, booting, stopping } = await row();
  return idle >= WARM && booting + stopping === 0;
};

it('a pool that cannot refill for a full disk says why, tries ever less, leaves nothing, and is full again with room', async () => {
  await until(isFull);
  const free = await disk.fill();
  const box = await bench.idle();
  await until(async () => (await row()).breaker !== undefined);
  expect((await row()).breaker).toMatch(/the disk(?: of \/.*)? is full/);

  // Two seconds hold a second of rest, one trial, and the next rest, which is twice as long.
  let failures = 0;
  const watched = new AbortController();
  const watch = async (): Promise<void> => {
    const query = { pool: 'default-pool' };
    for await (const { event } of core.remote.system.events(query, watched))
      if (event.type === 'boot-failed') failures += 1;
  };
  const watching = watch().catch(() => {});
  await delay(2_000);
  expect(failures).toBeLessThanOrEqual(2);
  watched.abort();
  await watching;
  await until(async () => {
    const { booting, stopping } = await row();
    return booting + stopping === 0;
  });
  // What was warm, and nothing of those that did not come up.
  const living = await instances(core);
  const { idle, claimed } = await row();
  expect(living).toHaveLength(idle + claimed);
  const named = (await traces(core.root)).join('\n').match(/\bi[0-9a-f]{16}\b/g);
  expect(new Set(named)).toEqual(new Set(living));

  await free();
  await until(isFull);
  expect((await row()).breaker).toBeUndefined();
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
});
