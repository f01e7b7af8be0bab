import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';
import { traces } from '../../helpers/core/traces.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, tarOf } from '../../helpers/image/image-files.ts';
import { pulled } from '../../helpers/image/pull-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';
import { runIn } from '../../helpers/pool/real-pool.ts';

const SEED = Number(process.env.FSB_TEST_SEED ?? 1);
const ROUNDS = Number(process.env.FSB_TEST_ROUNDS ?? 2);

let registry: TestRegistry;
let proxy: FaultProxy;
let root: string;
let core: CoreProcess | undefined;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  // Many small files, which take long to unpack, in a layer of some megabytes.
  const files = Array.from({ length: 1500 }, (_, at) => ({
    name: `many/${at}`,
    content: randomBytes(1000).toString('latin1'),
  }));
  const { layers } = await busyboxImage();
  const check = { name: 'check', content: 'right' };
  const image = await busyboxImage({ name: undefined, layers: [...layers, await tarOf([...files, check])] });
  await pushImage(registry, 'team/tool', layoutFiles([image]), '1');
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
});

async function start(): Promise<CoreApi> {
  await writeFile(join(root, 'registries.yaml'), `registries: { "${proxy.address}": { insecure: true } }`);
  core = await startCoreProcess(root, { pool: { warm: [] } });
  return core.api;
}

afterEach(async () => {
  await core?.stop();
  expect(await traces(root)).toEqual([]);
  await rm(root, { recursive: true, force: true });
});

const reference = (): string => `${proxy.address}/team/tool:1`;

/** Pulls until the moment comes, and kills the core then. */
async function killWhen(api: CoreApi, isMoment: (event: PullEvent) => boolean): Promise<void> {
  try {
    for await (const event of api.images.pull({ reference: reference() })) {
      if (!isMoment(event)) continue;
      await core!.kill();
      core = undefined;
    }
  } catch {
    // The core is gone.
  }
}

/** A new core on the same root can do everything that one on an empty root can. */
async function pullsAndRuns(): Promise<void> {
  const api = await start();
  expect((await api.images.list()).map(({ references }) => references)).toEqual([['host']]);
  await pulled(api.images.pull({ reference: reference() }));
  const script = 'cat /check; ls /many | wc -l; cat /many/* | wc -c';
  const { text } = await runIn(api, script, { image: reference() });
  expect(text).toMatch(/^right1500\n\d+\n$/);
  const images = join(root, 'state/images');
  expect([await readdir(join(images, 'staging')), await readdir(join(images, 'partial'))]).toEqual([[], []]);
}

describe('a core that is killed during a pull', { timeout: 120_000 }, () => {
  it('has a layer in part: the next one asks for the rest', async () => {
    root = await makeRoot();
    proxy.reset();
    proxy.add({ on: /GET .*blobs/, stallAfter: 400_000 });
    const api = await start();
    await killWhen(api, (event) => event.kind === 'layer' && event.layer.current >= 300_000);
    expect(core).toBeUndefined();
    proxy.reset();
    await pullsAndRuns();
    expect(proxy.requests.some(({ range }) => /^bytes=[1-9]\d{5}/.test(range ?? ''))).toBe(true);
  });

  it('in the middle of unpacking', async () => {
    root = await makeRoot();
    proxy.reset();
    const api = await start();
    await killWhen(api, (event) => event.kind === 'layer' && event.layer.state === 'unpacking');
    expect(core).toBeUndefined();
    await pullsAndRuns();
  });

  const random = seeded(SEED);
  it.each(Array.from({ length: ROUNDS }, () => random(12)))('at event %i', async (moment) => {
    root = await makeRoot();
    proxy.reset();
    const api = await start();
    let count = 0;
    await killWhen(api, (event) => {
      count += 1;
      return core !== undefined && event.kind !== 'done' && count > moment;
    });
    if (core === undefined) await pullsAndRuns();
  });
});
