import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutFiles, sha256, tarOf } from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushBlob, pushImage } from '../../helpers/image/registry/push.ts';

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

describe('a link-local address, as that of a cloud\u2019s metadata', () => {
  const METADATA = 'http://169.254.169.254';
  beforeEach(() => client.configure(`registries: { "${other.address}": { insecure: true } }`));

  it('is not followed to by a redirect, nor tried again', async () => {
    other.add({ on: /blobs/, redirectTo: `${METADATA}/latest` });
    await expect(readWhole(await client.open(other.address, 'tool'), blob)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('169.254.169.254: it is at the link-local address 169.254.169.254'),
    });
    expect(client.waits).toEqual([]);
  });

  it('gives no token', async () => {
    const headers = { 'www-authenticate': `Bearer realm="${METADATA}/token"` };
    other.add({ on: /manifests/, status: 401, headers });
    await expect((await client.open(other.address, 'tool')).manifest('latest')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('link-local'),
    });
  });

  it('has no layer, and the error says what was not read and why', async () => {
    const urls = [`${METADATA}/layer`];
    const missing = { digest: sha256('missing'), size: 7, urls };
    await expect(readWhole(await client.open(other.address, 'tool'), missing)).rejects.toMatchObject({
      message: expect.stringContaining('link-local'),
    });
  });
});

describe('the addresses that a manifest has for a layer', () => {
  const missing = { digest: sha256('missing'), size: 7 };

  it('must be http or https, and encrypted unless the registry is insecure; the error says why not', async () => {
    await client.configure(`registries: { "${other.address}": { insecure: true } }`);
    const repository = await client.open(other.address, 'tool');
    const urls = ['ftp://nowhere/a?secret=1', 'file:///etc/passwd', 'a'];
    await expect(readWhole(repository, { ...missing, urls })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(
        /has lost .*; not read from ftp:\/\/nowhere\/.*only https is spoken; not read from file:.*; not read from a: it is no address/,
      ),
    });
  });

  it('are eight at most', async () => {
    await client.configure(`registries: { "${other.address}": { insecure: true } }`);
    const urls = Array.from({ length: 1000 }, (_, at) => `${other.url}/elsewhere/${at}`);
    const notes: string[] = [];
    const reading = readWhole(
      await client.open(other.address, 'tool'),
      { ...missing, urls },
      {
        onRetry: (why) => void notes.push(why),
      },
    );
    await expect(reading).rejects.toMatchObject({ code: 'image_not_found' });
    expect(other.count(/elsewhere/)).toBe(8);
    expect(notes.join()).toContain('only 8 of its 1000 addresses are tried');
  });
});

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

describe('a caller from outside', () => {
  const asked = async () => (await client.open(front.address, 'tool', ada, true)).manifest('latest');

  it('reaches nothing that listens on the node alone, unless the configuration names it', async () => {
    for (const address of [front.address, `localhost:${front.address.split(':')[1]}`]) {
      const repository = await client.open(address, 'tool', ada, true);
      await expect(repository.manifest('latest')).rejects.toMatchObject({
        ...{
          code: 'denied',
          message: expect.stringContaining("of the core's machine or of a network around it"),
        },
        hint: expect.not.stringContaining(client.directory),
      });
    }
    await expect(client.registries.login(front.address, ada, undefined, true)).rejects.toMatchObject({
      code: 'denied',
    });
    expect(front.requests).toEqual([]);
    await client.configure(`registries: { "${front.address}": { insecure: true } }`);
    await asked();
    expect(front.count(/manifests/)).toBeGreaterThan(0);
  });

  it.each(['10.255.255.1:5000', '192.168.255.1', '[fd00::1]:5000'])(
    'reaches no private network, unless the configuration names it: %s',
    async (address) => {
      const reach = async (): Promise<unknown> => {
        const repository = await client.open(address, 'tool', ada, true);
        return repository.manifest('latest', { signal: AbortSignal.timeout(50) });
      };
      const why = expect.stringContaining('a network around it');
      await expect(reach()).rejects.toMatchObject({ code: 'denied', message: why });
      await client.configure(`registries: { "${address}": {} }`);
      await expect(reach()).rejects.toMatchObject({ message: expect.not.stringContaining('around it') });
    },
  );

  it('is not told where the configuration lies', async () => {
    await client.configure('registries: { x: { insecur: true } }');
    await expect(asked()).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.not.stringContaining(client.directory),
    });
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
