import { readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import { errorOf } from '../../contract/workbench.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { gate } from '../../helpers/gate.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, type TestImage, tarOf, writeArchive } from '../../helpers/image/image-files.ts';
import { pulled } from '../../helpers/image/pull-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';
import { runIn } from '../../helpers/pool/real-pool.ts';

/** A core that is closed while images come and go: it waits until nothing of that goes on, and nothing half is seen. */

let registry: TestRegistry;
let proxy: FaultProxy;
let root: string;
let core: RealCore;
let image: TestImage;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  // Many small files, which take long to unpack.
  const many = Array.from({ length: 4000 }, (_, at) => ({ name: `many/${at}`, content: `${at}` }));
  const { layers } = await busyboxImage();
  image = await busyboxImage({ name: undefined, layers: [...layers, await tarOf(many)] });
  await pushImage(registry, 'team/tool', layoutFiles([image]), '1');
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
});

beforeEach(async () => {
  root = await makeRoot();
  proxy.reset();
  await writeFile(join(root, 'registries.yaml'), `registries: { "${proxy.address}": { insecure: true } }`);
  core = await startRealCore({ root, pool: { warm: [] } });
});

afterEach(() => core.close());

const reference = (): string => `${proxy.address}/team/tool:1`;
const store = (part: string): Promise<string[]> => readdir(join(root, 'state/images', part));

/** What this process has open of the core's images. */
async function openFiles(): Promise<string[]> {
  const names = await readdir('/proc/self/fd');
  const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(join(root, 'state/images')));
}

/** Closes the core under what goes on, and looks at what it leaves. */
async function closeUnder(work: Promise<unknown>): Promise<void> {
  const failure = errorOf(work);
  await core.running.close();
  expect(await openFiles()).toEqual([]);
  expect([await store('staging'), await store('layers')]).toEqual([[], []]);
  expect(await traces(root)).toEqual([]);
  expect(await failure).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('the core is shutting down'),
  });
  await core.remote.close();
}

/** The next core can do everything that one on an empty root can. */
async function nextCorePulls(): Promise<void> {
  proxy.reset();
  core = await startRealCore({ root, pool: { warm: [] } });
  const { images } = core.running.api;
  expect((await images.list()).map(({ references }) => references)).toEqual([['host']]);
  await pulled(images.pull({ reference: reference() }));
  const { text } = await runIn(core.running.api, 'cat /many/* | wc -c', { image: reference() });
  expect(text).toBe('14890\n');
  expect([await store('staging'), await store('partial')]).toEqual([[], []]);
}

/** A pull that opens the gate with the first event that is meant. */
function pullUntil(isMeant: (event: PullEvent) => boolean): {
  reached: Promise<void>;
  work: Promise<unknown>;
} {
  const { promise: reached, open } = gate();
  const work = (async () => {
    for await (const event of core.running.api.images.pull({ reference: reference() }))
      if (isMeant(event)) open();
  })();
  return { reached, work };
}

it('while a pull waits for its registry', { timeout: 120_000 }, async () => {
  proxy.add({ on: /GET .*blobs/, stallAfter: 1000 });
  const { work } = pullUntil(() => true);
  await proxy.stalled();
  await closeUnder(work);
  await nextCorePulls();
});

it('while a pull waits for a manifest', { timeout: 120_000 }, async () => {
  proxy.add({ on: /GET .*manifests/, stallAfter: 10 });
  const { work } = pullUntil(() => true);
  await proxy.stalled();
  await closeUnder(work);
  await nextCorePulls();
});

it('while a pull unpacks', { timeout: 120_000 }, async () => {
  const { reached, work } = pullUntil((event) => event.kind === 'layer' && event.layer.state === 'unpacking');
  await reached;
  await closeUnder(work);
  await nextCorePulls();
});

it('while an import unpacks', { timeout: 120_000 }, async () => {
  const path = join(root, 'image.tar');
  await writeArchive(path, layoutFiles([{ ...image, name: 'docker.io/library/tool:1' }]));
  const work = core.running.api.images.import({ source: { path } });
  work.catch(() => {});
  while (!(await store('staging')).some((name) => name.startsWith('layer-'))) await setTimeout(1);
  await closeUnder(work);
  expect([await store('blobs/sha256'), await store('partial')]).toEqual([[], []]);
  await rm(path);
  await nextCorePulls();
});

it('while an upload has stopped half-way', { timeout: 120_000 }, async () => {
  const files = join(root, 'image.tar');
  await writeArchive(files, layoutFiles([image]));
  const { promise: sent, open } = gate();
  const content = (async function* () {
    yield Buffer.alloc(100_000);
    open();
    await new Promise(() => {});
  })();
  const work = core.running.api.images.import({ source: { content } });
  work.catch(() => {});
  await sent;
  await closeUnder(work);
  await nextCorePulls();
});

it('while an image is saved, and nobody reads on', { timeout: 120_000 }, async () => {
  await pulled(core.running.api.images.pull({ reference: reference() }));
  const saved = core.running.api.images.save([reference()])[Symbol.asyncIterator]();
  await saved.next();
  await core.running.close();
  expect(await errorOf(readToEnd(saved))).toMatchObject({ code: 'unavailable' });
  expect(await openFiles()).toEqual([]);
  await core.remote.close();
  core = await startRealCore({ root, pool: { warm: [] } });
});

async function readToEnd(bytes: AsyncIterator<Buffer>): Promise<void> {
  while (!(await bytes.next()).done);
}
