import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutFiles, sha256, tarOf } from '../../helpers/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/registry/fault-proxy.ts';
import { pushBlob, pushImage } from '../../helpers/registry/push.ts';

const content = randomBytes(500_000);
const blob = { digest: sha256(content), size: content.length };
const ada = { username: 'ada', password: 'ada-password-4711' };

let open: TestRegistry;
let closed: TestRegistry;
/** In front of the registry that wants a password, and of the one that does not. */
let front: FaultProxy;
let other: FaultProxy;
let client: ClientFixture;

beforeAll(async () => {
  [open, closed] = await Promise.all([startRegistry(), startRegistry({ basic: ada })]);
  [front, other] = await Promise.all([startFaultProxy(closed.url), startFaultProxy(open.url)]);
  const files = layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]);
  for (const registry of [open, closed]) {
    await pushImage(registry, 'tool', files);
    await pushBlob(registry, 'tool', content);
  }
});
afterAll(() => Promise.all([front, other, open, closed].map((it) => it.stop())));
beforeEach(async () => {
  for (const proxy of [front, other]) proxy.reset();
  client = await createClient();
});
afterEach(() => client.close());

describe('a redirect to another host', () => {
  beforeEach(() => client.configure(`registries: { "${front.address}": { insecure: true } }`));
  const repository = () => client.open(front.address, 'tool', ada);

  it('is followed without telling that host who asks, from the right byte on', async () => {
    const it = await repository();
    await it.manifest('latest');
    front.add({ on: /blobs/, redirectTo: other.url });
    other.add({ on: /blobs/, times: 1, cutAfter: 100_000 });
    expect((await readWhole(it, blob, { offset: 1000 })).equals(content.subarray(1000))).toBe(true);
    expect(front.requests.filter(({ authorization }) => authorization !== undefined).length).toBeGreaterThan(
      1,
    );
    expect(other.requests.map(({ range, authorization }) => [range, authorization])).toEqual([
      ['bytes=1000-', undefined],
      ['bytes=101000-', undefined],
    ]);
  });

  it('is followed five times and no more', async () => {
    front.add({ on: /manifests/, times: 5, redirectTo: '' });
    await (await client.open(front.address, 'tool', ada)).manifest('latest');
    front.reset();
    front.add({ on: /manifests/, redirectTo: '' });
    await expect((await repository()).manifest('latest')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('more than 5'),
    });
    expect(front.count(/manifests/)).toBe(6);
  });

  it('is asked for anew when its address has expired', async () => {
    front.add({ on: /blobs/, redirectTo: other.url });
    other.add({ on: /blobs/, times: 1, status: 403, body: '<Error>expired</Error>' });
    expect((await readWhole(await repository(), blob)).equals(content)).toBe(true);
  });

  it.each(['file:///etc/passwd', 'http://['])('to %s is refused', async (redirectTo) => {
    front.add({ on: /manifests/, redirectTo });
    await expect((await repository()).manifest('latest')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a mirror', () => {
  const mirrored = () =>
    client.configure(
      `registries: { "${front.address}": { insecure: true, mirrors: ["http://${other.address}"] } }`,
    );
  beforeEach(mirrored);
  const repository = () => client.open(front.address, 'tool', ada);

  it('is asked first, and never told who asks', async () => {
    other.add({ on: /manifests/, times: 1, status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
    const it = await repository();
    await it.manifest('latest');
    expect(front.count(/manifests/)).toBeGreaterThan(0);
    expect((await readWhole(it, blob)).equals(content)).toBe(true);
    expect(front.count(/blobs/)).toBe(0);
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it.each([
    ['lacks it', { status: 404 }],
    ['fails', { status: 500 }],
    ['lies', { corrupt: true }],
    ['does not answer', { refuse: true }],
  ])('that %s is passed over at once', async (_, fault) => {
    other.add({ on: /manifests/, ...fault });
    const told: string[] = [];
    await (await repository()).manifest('latest', { onRetry: (why) => told.push(why) });
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(other.address);
    expect(client.waits).toEqual([]);
  });

  it('that dies in the middle of a blob loses nothing', async () => {
    other.add({ on: /blobs/, cutAfter: 200_000 });
    expect((await readWhole(await repository(), blob)).equals(content)).toBe(true);
    expect(front.requests.find(({ range }) => range)?.range).toBe('bytes=200000-');
  });

  it('is found in the configuration of the moment', async () => {
    await (await repository()).manifest('latest');
    expect(front.requests).toEqual([]);
    await client.configure(`registries: { "${front.address}": { insecure: true } }`);
    await (await repository()).manifest('latest');
    expect(front.count(/manifests/)).toBeGreaterThan(0);
    await client.configure('registries: { x: { insecur: true } }');
    await expect(repository()).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(`${client.file}: line 1: unknown key registries.x.insecur`),
      hint: expect.stringContaining('insecure'),
    });
  });
});
