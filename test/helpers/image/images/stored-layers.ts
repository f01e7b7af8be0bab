import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Descriptor, ociMediaTypes, sha256 } from '../image-files.ts';

/** Blobs of an OCI layout that are too large to be held in memory. */

export interface StoredLayer {
  descriptor: Descriptor;
  diffId: string;
}

/**
 * Packs files of a directory into a layer, gzip as registries have it.
 * @param words for tar: what goes in, relative to `root`
 */
export async function addLayer(layout: string, root: string, words: string[]): Promise<StoredLayer> {
  const options = ['--numeric-owner', '--sort=name', '--xattrs', '--xattrs-include=*', '--format=posix'];
  const tar = spawn('tar', ['-C', root, ...options, '-c', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(tar, 'close');
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const staged = join(layout, 'layer');
  let size = 0;
  await pipeline(
    tar.stdout,
    (source: Readable) => passing(source, (chunk) => void plain.update(chunk)),
    createGzip({ level: 6 }),
    (source: Readable) =>
      passing(source, (chunk) => {
        packed.update(chunk);
        size += chunk.length;
      }),
    createWriteStream(staged),
  );
  const [code] = await closed;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  const digest = `sha256:${packed.digest('hex')}`;
  await rename(staged, await blobPath(layout, digest));
  const descriptor = { mediaType: ociMediaTypes.layer, digest, size };
  return { descriptor, diffId: `sha256:${plain.digest('hex')}` };
}

export async function addJson(layout: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(value));
  const digest = sha256(data);
  await writeFile(await blobPath(layout, digest), data);
  return { mediaType, digest, size: data.length };
}

async function blobPath(layout: string, digest: string): Promise<string> {
  const directory = join(layout, 'blobs/sha256');
  await mkdir(directory, { recursive: true });
  return join(directory, digest.slice('sha256:'.length));
}

async function* passing(source: Readable, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    see(chunk);
    yield chunk;
  }
}
