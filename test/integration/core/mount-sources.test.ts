import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

describe('a sandbox with a mount', () => {
  const bench = new Workbench();
  let core: RealCore;
  let directory: string;
  beforeAll(async () => {
    core = await startRealCore({ pool: { warm: [] } });
    bench.use(core.running.api);
    directory = await realpath(await mkdtemp('/tmp/fsb-v-'));
  });
  afterEach(() => bench.cleanUp());
  afterAll(async () => {
    await core.close();
    await rm(directory, { recursive: true, force: true });
  });

  it.each([
    ['is not there', () => '/nosuch'],
    ['is not for sandboxes', () => '/proc/sys'],
    ["is above the core's own files", () => core.root],
  ])('whose source %s is refused at once, and nothing is left', async (_title, source) => {
    const mounts = [{ source: source(), target: '/mnt' }];
    const error = await errorOf(bench.idle({ mounts }));
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toContain(`cannot mount ${source()}: `);
    expect(await bench.core.sandboxes.list({ namespace: bench.namespace })).toEqual([]);
    expect(await core.running.api.pools.status()).toEqual([]);
  });

  it('sees the files, also through a link', async () => {
    await writeFile(join(directory, 'file'), 'content');
    await symlink(directory, join(directory, 'link'));
    const box = await bench.idle({ mounts: [{ source: join(directory, 'link'), target: '/mnt' }] });
    expect((await bench.run(box, 'cat /mnt/file')).stdout.toString()).toBe('content');
  });
});
