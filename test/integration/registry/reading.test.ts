import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  addBlob,
  type Descriptor,
  layoutFiles,
  ociMediaTypes,
  sha256,
  tarOf,
} from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushBlob, pushImage, putManifest } from '../../helpers/image/registry/push.ts';

const MEBIBYTE = 1024 * 1024;
const content = randomBytes(3 * MEBIBYTE);
const blob = { digest: sha256(content), size: content.length };

let registry: TestRegistry;
let proxy: FaultProxy;
let client: ClientFixture;
let digest: string;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  digest = await pushImage(
    registry,
    'team/tool',
    layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]),
  );
  await pushBlob(registry, 'team/tool', content);
});
afterAll(() => Promise.all([proxy.stop(), registry.stop()]));
beforeEach(async () => {
  proxy.reset();
  client = await createClient();
  await client.configure(`registries: { "${proxy.address}": { insecure: true } }`);
});
afterEach(() => client.close());

const open = () => client.open(proxy.address, 'team/tool');

describe('a manifest', () => {
  it('comes by tag and by digest', async () => {
    const repository = await open();
    const byTag = await repository.manifest('latest');
    expect(byTag).toMatchObject({ digest, mediaType: ociMediaTypes.manifest });
    expect(sha256(byTag.body)).toBe(digest);
    expect(await repository.manifest(digest)).toEqual(byTag);
  });

  it('comes in docker types and as an index', async () => {
    const layers = [await tarOf([{ name: 'b', content: 'b' }])];
    await pushImage(registry, 'docker', layoutFiles([{ layers, dockerTypes: true }]));
    await pushImage(registry, 'index', layoutFiles([{ layers }, { layers, architecture: 'arm' }]));
    const typeOf = async (path: string) =>
      (await (await client.open(proxy.address, path)).manifest('latest')).mediaType;
    expect(await typeOf('docker')).toBe('application/vnd.docker.distribution.manifest.v2+json');
    expect(await typeOf('index')).toBe(ociMediaTypes.index);
  });

  it.each(['nothing', sha256('nothing')])(
    'that is not there is named with its image: %s',
    async (reference) => {
      const separator = reference.startsWith('sha256') ? '@' : ':';
      const named = separator === '@' ? { digest: reference } : { tag: reference };
      const terms = { domain: proxy.address, path: 'team/tool', ...named };
      await expect((await client.registries.repository(terms)).manifest(reference)).rejects.toMatchObject({
        code: 'image_not_found',
        message: expect.stringContaining(
          `cannot pull ${proxy.address}/team/tool${separator}${reference}: ${proxy.address}: `,
        ),
      });
      expect(client.waits).toEqual([]);
    },
  );

  it.each([
    ['another body', { corrupt: true, headers: { 'docker-content-digest': undefined } }, 'lies: it sends'],
    ['another digest', { headers: { 'docker-content-digest': sha256('x') } }, 'lies: it says'],
    ['another type', { headers: { 'content-type': ociMediaTypes.index } }, 'contradicts itself'],
    ['a page', { body: '<html>', headers: { 'docker-content-digest': undefined } }, 'lies'],
  ])('is refused when the registry sends %s', async (_, fault, why) => {
    proxy.add({ on: /manifests/, ...fault });
    await expect((await open()).manifest(digest)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(why),
    });
  });

  it('of more than 8 MiB is refused', async () => {
    proxy.add({ on: /manifests/, status: 200, body: Buffer.alloc(8 * MEBIBYTE + 1, 0x20) });
    await expect((await open()).manifest('latest')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('8 MiB'),
    });
  });

  it('of schema 1 is unsupported', async () => {
    const headers = { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' };
    proxy.add({ on: /manifests/, status: 200, headers, body: '{"schemaVersion":1}' });
    await expect((await open()).manifest('latest')).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('without a known type is understood by what it says', async () => {
    proxy.add({ on: /manifests/, headers: { 'content-type': 'text/plain' } });
    expect((await (await open()).manifest('latest')).mediaType).toBe(ociMediaTypes.manifest);
  });
});

describe('what a tag means', () => {
  it('is told without the manifest', async () => {
    const repository = await open();
    expect(await repository.digestOf('latest')).toBe(digest);
    expect(await repository.digestOf(digest)).toBe(digest);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });

  it.each([
    ['knows no such question', { status: 405 }],
    ['has no such image', { status: 404 }],
    ['has not learned it', { status: 501 }],
    ['is broken', { status: 500 }],
    ['lets nobody in', { status: 403 }],
    ['wants a login', { status: 401 }],
    ['does not say', { headers: { 'docker-content-digest': undefined } }],
    ['talks nonsense', { headers: { 'docker-content-digest': 'sha256:latest' } }],
    ['hangs up', { refuse: true }],
  ])('stays unknown when the registry %s', async (_, fault) => {
    proxy.add({ on: /HEAD/, ...fault });
    expect(await (await open()).digestOf('latest')).toBeUndefined();
    expect(proxy.count(/HEAD/)).toBe(1);
    expect(client.waits).toEqual([]);
  });
});

describe('a blob', () => {
  it('comes whole, and from an offset', async () => {
    const repository = await open();
    expect((await readWhole(repository, blob)).equals(content)).toBe(true);
    const rest = await readWhole(repository, blob, { offset: MEBIBYTE });
    expect(rest.equals(content.subarray(MEBIBYTE))).toBe(true);
    expect(proxy.requests.at(-1)).toMatchObject({ range: `bytes=${MEBIBYTE}-` });
    expect(await readWhole(repository, blob, { offset: blob.size })).toHaveLength(0);
  });

  it('goes on where the connection was cut, however often', async () => {
    proxy.add({ on: /blobs/, times: 7, cutAfter: 300_000 });
    const told: string[] = [];
    const whole = await readWhole(await open(), blob, { onRetry: (why) => told.push(why) });
    expect(whole.equals(content)).toBe(true);
    expect(told).toHaveLength(7);
    expect(told[0]).toContain(blob.digest);
    expect(proxy.requests.filter(({ range }) => range !== undefined)).toHaveLength(7);
  });

  it.each([
    ['ignores ranges', { ignoreRange: true }],
    ['refuses ranges', { status: 416, times: 1 }],
  ])('is read again and skipped when the server %s', async (_, fault) => {
    proxy.add({ on: /blobs/, ...fault });
    const rest = await readWhole(await open(), blob, { offset: 2 * MEBIBYTE });
    expect(rest.equals(content.subarray(2 * MEBIBYTE))).toBe(true);
  });

  it('is given up after five attempts that bring nothing', async () => {
    proxy.add({ on: /blobs/, refuse: true });
    await expect(readWhole(await open(), blob)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cut'),
    });
    expect(client.waits).toEqual([500, 1000, 2000, 4000]);
  });

  it('with more or fewer bytes than the manifest says is refused', async () => {
    const repository = await open();
    for (const size of [blob.size - 1, blob.size + 1])
      await expect(readWhole(repository, { ...blob, size })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('lies'),
      });
    const headers = { 'content-length': undefined, 'transfer-encoding': 'chunked' };
    proxy.add({ on: /blobs/, headers });
    await expect(readWhole(repository, { ...blob, size: blob.size - 1 })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('that is not on the registry is read where its maker says', async () => {
    const files = new Map<string, Buffer>();
    const foreign: Descriptor = addBlob(files, 'foreign', Buffer.from('foreign layer'));
    proxy.add({ on: /elsewhere/, status: 200, body: 'foreign layer' });
    const repository = await open();
    await expect(readWhole(repository, foreign)).rejects.toMatchObject({
      code: 'not_found',
      message: `cannot pull ${proxy.address}/team/tool: its registry has lost ${foreign.digest}, which its manifest names`,
      hint: expect.stringContaining('another tag'),
    });
    const urls = ['ftp://nowhere/', `${proxy.url}/elsewhere?signature=1`];
    expect((await readWhole(repository, { ...foreign, urls })).toString()).toBe('foreign layer');
  });
});

describe('faults that pass', () => {
  it.each([500, 502, 503, 504, 408, 429])('status %i is tried again', async (status) => {
    proxy.add({ on: /manifests/, times: 4, status });
    const told: string[] = [];
    await (await open()).manifest('latest', { onRetry: (why) => told.push(why) });
    expect(told).toHaveLength(4);
    expect(proxy.count(/manifests/)).toBe(5);
  });

  it.each([400, 403, 404, 410])('status %i is not', async (status) => {
    proxy.add({ on: /manifests/, status });
    await expect((await open()).manifest('latest')).rejects.toThrow(String(status));
    expect(proxy.count(/manifests/)).toBe(1);
  });

  it.each([
    ['7', 7000],
    ['3600', 60_000],
    [new Date(1_700_000_005_000).toUTCString(), 5000],
    ['soon', 500],
  ])('Retry-After %s is honoured', async (value, wait) => {
    proxy.add({ on: /manifests/, times: 1, status: 429, headers: { 'retry-after': value } });
    await (await open()).manifest('latest');
    expect(client.waits).toEqual([wait]);
  });

  it('the registry says why, without control characters, and not for ever', async () => {
    const message = `\u001b[31mno\u0007 https://a.example/x?signature=secret ${'long '.repeat(100)}`;
    proxy.add({
      on: /manifests/,
      status: 403,
      body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }),
    });
    const error = await (await open()).manifest('latest').catch((thrown: Error) => thrown as Error);
    expect(error).toMatchObject({ code: 'denied' });
    expect((error as Error).message).toContain('https://a.example/x long');
    expect((error as Error).message).not.toMatch(/secret|\p{Cc}/u);
    expect((error as Error).message.length).toBeLessThan(400);
  });
});

it('an odd manifest is refused with its type', async () => {
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.example+json' }));
  proxy.add({
    on: /manifests/,
    status: 200,
    headers: { 'content-type': 'application/vnd.example+json' },
    body,
  });
  await expect((await open()).manifest('latest')).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('application/vnd.example+json'),
  });
  await expect(
    putManifest(registry, 'team/tool', 'x', 'application/vnd.example+json', body),
  ).rejects.toThrow();
});
