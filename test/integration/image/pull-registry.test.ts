import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, sha256, tarOf } from '../../helpers/image/image-files.ts';
import { ImageStoreFixture, tinyImage } from '../../helpers/image/image-store-fixture.ts';
import { pulled } from '../../helpers/image/pull-fixture.ts';
import { type ClientFixture, createClient } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';

const run = promisify(execFile);
const images = new ImageStoreFixture();
let registry: TestRegistry;
let proxy: FaultProxy;
let client: ClientFixture;
/** The image of two layers that nobody can compress: as large in the registry as here. */
let name: string;
/** Requests for those layers. A configuration that never ends would hold up whoever comes next on its connection. */
let ofLayers: RegExp;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  name = `${proxy.address}/team/large:1`;
  const content = [randomBytes(300_000).toString('latin1'), randomBytes(200_000).toString('latin1')];
  const layers = await Promise.all(content.map((text, at) => tarOf([{ name: `file${at}`, content: text }])));
  ofLayers = new RegExp(layers.map((layer) => sha256(layer)).join('|'));
  const files = layoutFiles([await tinyImage(undefined, '', { layers, compress: (plain) => plain })]);
  await pushImage(registry, 'team/large', files, '1');
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
});

beforeEach(async () => {
  proxy.reset();
  client = await createClient();
  await client.configure(`registries: { "${proxy.address}": { insecure: true } }`);
  await images.setUp({ registries: client.registries });
});

afterEach(async () => {
  await images.tearDown();
  await client.close();
});

const pull = (reference = name, signal?: AbortSignal) => pulled(images.store.pull({ reference }, signal));
const BLOBS = /^GET \/v2\/team\/large\/blobs/;

describe('a pull from a real registry', () => {
  it('brings what skopeo pushed, and save gives it back with its digest', async () => {
    const files = await writeBusyboxImage(images.directory);
    const pushed = `docker://${registry.address}/box/busybox:1`;
    await run('skopeo', [
      ...['copy', '--insecure-policy', '--dest-tls-verify=false'],
      ...[`oci:${files.ociLayout}`, pushed],
    ]);
    const done = await pull(`${proxy.address}/box/busybox:1`);
    const { stdout } = await run('skopeo', ['inspect', '--tls-verify=false', pushed]);
    expect(done.digest).toBe(JSON.parse(stdout).Digest);
    expect(done.image.repoDigests).toEqual([`${proxy.address}/box/busybox@${done.digest}`]);
    const saved = join(images.directory, 'saved.tar');
    await writeFile(saved, await buffer(images.store.save([`${proxy.address}/box/busybox:1`])));
    const again = await run('skopeo', ['inspect', `oci-archive:${saved}`]);
    expect(JSON.parse(again.stdout).Digest).toBe(done.digest);
  });

  it('200 at the same time ask once for the manifest and once for each blob', async () => {
    await Promise.all(Array.from({ length: 200 }, () => pull()));
    expect(proxy.count(/GET .*manifests/)).toBe(1);
    // Two layers and the configuration.
    expect(proxy.count(BLOBS)).toBe(3);
    proxy.reset();
    expect((await pull()).upToDate).toBe(true);
    expect(proxy.count(BLOBS)).toBe(0);
  });

  it('goes on when connections are cut, from where it was, and tells so', async () => {
    proxy.add({ on: BLOBS, cutAfter: 150_000, times: 4 });
    const states = new Set<string>();
    const notes: string[] = [];
    for await (const event of images.store.pull({ reference: name })) {
      if (event.kind === 'layer') states.add(event.layer.state);
      if (event.kind === 'note') notes.push(event.message);
    }
    expect(states).toContain('retrying');
    expect(notes.length).toBeGreaterThan(0);
    expect(proxy.requests.some(({ range }) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
    expect(await images.leftovers()).toEqual([]);
  });

  it('that was aborted leaves what came, and the next one asks only for the rest', async () => {
    proxy.add({ on: ofLayers, stallAfter: 120_000 });
    const controller = new AbortController();
    const pulling = pull(name, controller.signal).catch((error: unknown) => error);
    await Promise.all([proxy.stalled(), proxy.stalled()]);
    // What the registry has sent has to arrive first.
    const size = async () => (await images.sizesIn('partial')).filter((bytes) => bytes > 100_000).length;
    await expect.poll(size).toBe(2);
    controller.abort();
    expect(await pulling).toMatchObject({ code: 'cancelled' });
    await expect.poll(() => images.openFiles()).toEqual([]);
    await expect.poll(() => proxy.connections()).toBe(0);
    proxy.reset();
    await pull();
    const ranges = proxy.requests.filter(({ path }) => path.includes('/blobs/')).map(({ range }) => range);
    expect(ranges.filter((range) => /^bytes=1[0-2]\d{4}-$/.test(range ?? ''))).toHaveLength(2);
  });

  it('of something damaged on its way fails, names it, and leaves nothing of it', async () => {
    proxy.add({ on: BLOBS, corrupt: true });
    await expect(pull()).rejects.toMatchObject({
      code: 'bad_image',
      message: expect.stringContaining(`cannot pull ${name}: `),
    });
    expect(await images.sizesIn('partial')).toEqual([]);
    proxy.reset();
    await pull();
  });

  it('passes over a mirror of which layers and configuration are damaged', async () => {
    const mirror = await startFaultProxy(registry.url);
    try {
      mirror.add({ on: BLOBS, corrupt: true });
      await client.configure(
        `registries: { "${proxy.address}": { insecure: true, mirrors: ["${mirror.url}"] } }`,
      );
      expect((await pull()).digest).toMatch(/^sha256:/);
      expect(mirror.count(BLOBS)).toBe(3);
      expect(proxy.count(BLOBS)).toBe(3);
      expect(await images.sizesIn('partial')).toEqual([]);
    } finally {
      await mirror.stop();
    }
  });

  it('tells what the registry says of an image that it has not', async () => {
    await expect(pull(`${proxy.address}/team/large:2`)).rejects.toMatchObject({ code: 'image_not_found' });
    await expect(pull(`${proxy.address}/nobody/nothing`)).rejects.toMatchObject({
      code: expect.stringMatching(/image_not_found|denied/),
      message: expect.stringContaining('cannot pull'),
    });
  });
});
