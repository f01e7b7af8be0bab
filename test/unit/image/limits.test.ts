import { describe, expect, it } from 'vitest';
import { writeError } from '../../../src/core/image/content/disk.ts';
import { configurationSchema, indexSchema, parseDocument } from '../../../src/core/image/format/documents.ts';
import { assertLayerCount } from '../../../src/core/image/format/envelope.ts';
import { findManifest } from '../../../src/core/image/format/platform-choice.ts';

const digest = (number: number): string => `sha256:${number.toString(16).padStart(64, '0')}`;
const INDEX = 'application/vnd.oci.image.index.v1+json';
const wanted = { os: 'linux', architecture: 'amd64' };
const described = (mediaType: string, number: number) => ({
  ...{ mediaType, digest: digest(number), size: 1, annotations: {}, urls: [] },
});

describe('an index', () => {
  const many = (count: number, mediaType: string) =>
    Array.from({ length: count }, (_, number) => described(mediaType, number));

  it('that names the same one many times is read once', async () => {
    let reads = 0;
    const body = Buffer.from(JSON.stringify({ manifests: Array(1000).fill(described(INDEX, 7)) }));
    const read = async (): Promise<Buffer> => {
      reads += 1;
      return body;
    };
    const same = Array(1000).fill(described(INDEX, 7));
    expect(await findManifest(same, wanted, read)).toEqual({ chosen: undefined, offered: [] });
    expect(reads).toBe(1);
  });

  it.each([
    ['indexes', many(65, INDEX), 'more than 64 indexes'],
    ['entries', many(10_001, ''), 'more than 10000 entries'],
  ])('of too many %s is refused', async (_, descriptors, message) => {
    const read = async (): Promise<Buffer> => Buffer.from('{}');
    await expect(findManifest(descriptors, wanted, read)).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining(message) },
    });
  });

  it('tells each platform once', async () => {
    const leaves = many(5000, '').map((leaf) => ({
      ...leaf,
      platform: { os: 'linux', architecture: 's390x' },
    }));
    const { offered } = await findManifest(leaves, wanted, async () => Buffer.from(''));
    expect(offered).toEqual([{ os: 'linux', architecture: 's390x' }]);
  });
});

describe('an image', () => {
  it('of more layers than an overlay is made for is refused', () => {
    expect(() => assertLayerCount(128)).toThrow('it has 128 layers, and an image may have 127');
    assertLayerCount(127);
  });

  it('has documents of a bounded size', () => {
    const text = (bytes: number): string => JSON.stringify({ rootfs: {}, more: 'x'.repeat(bytes) });
    expect(() => parseDocument(configurationSchema, text(1 << 20), 'it')).toThrow('may have 1048576');
    expect(() => parseDocument(indexSchema, text(4 << 20), 'it')).toThrow('may have 4194304');
    parseDocument(indexSchema, text(1 << 20), 'it');
  });
});

describe('a failure to write', () => {
  it.each(['ENOSPC', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EACCES'])('%s is told in words', (code) => {
    const cause = Object.assign(new Error(`${code}: syscall`), { code });
    expect(writeError(cause, 'a blob')).toMatchObject({
      message: expect.stringMatching(/^cannot store a blob: [a-z ]+$/),
      hint: expect.stringMatching(/\w/),
      cause,
    });
  });
});
