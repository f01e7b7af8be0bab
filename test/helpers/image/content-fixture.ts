import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { ImageContent } from '../../../src/core/image/content/image-content.ts';
import type { ImageRecord } from '../../../src/core/image/content/image-records.ts';
import type { LocalImageStore } from '../../../src/core/image/image-store.ts';
import { imageStoreOn } from '../../../src/core/image/local-image-store.ts';
import { emptyImageConfig, type ImageInfo } from '../../../src/core/model/image/image.ts';
import { launch } from '../guest/guest-programs.ts';
import { createManualClock, type ManualClock } from '../manual-clock.ts';
import { noRegistries } from './memory-registry.ts';

export const digestOf = (data: Buffer | string): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

export async function* bytesOf(...chunks: (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk as string);
}

export interface PutImage {
  /** Canonical. */
  references?: string[];
  repoDigests?: string[];
  /** What the file of each layer says, bottom first. */
  layers: string[];
  labels?: Record<string, string>;
  /** Of the configuration, beside what every one has. */
  configuration?: Record<string, unknown>;
}

const log = pino({ level: 'silent' });
export const HOUR = 3_600_000;

/** Content with a store on it, in a directory of its own; images come as a pull brings them, blobs and all. */
export class ContentFixture {
  directory = '';
  clock!: ManualClock;
  content!: ImageContent;
  store!: LocalImageStore;

  get root(): string {
    return join(this.directory, 'images');
  }

  async setUp(directory?: string): Promise<void> {
    this.directory = directory ?? (await mkdtemp(join(tmpdir(), 'fsb-content-')));
    // Of now, because what is found on the disk has the times of now.
    this.clock = createManualClock(Date.now());
    await this.open();
  }

  async open(): Promise<void> {
    const { clock, root } = this;
    // A small machine, whose image is built in no time.
    const hostRoot = join(this.directory, 'machine');
    await mkdir(join(hostRoot, 'usr/bin'), { recursive: true });
    this.content = await ImageContent.open({ root, launch, grace: HOUR, clock, log });
    const parts = { registries: noRegistries, launch };
    this.store = imageStoreOn(this.content, { stateDir: this.directory, hostRoot, clock, log, ...parts });
  }

  /** As after the end of a core; nothing is held. */
  async reopen(): Promise<void> {
    await this.store.close();
    await this.open();
  }

  async tearDown(): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  async put(image: PutImage): Promise<ImageRecord> {
    const unpin = this.content.pin({ layers: image.layers.map(digestOf) });
    try {
      const record = await this.bring(image);
      await this.content.records.add([record]);
      return record;
    } finally {
      unpin();
    }
  }

  /** Everything but the record, as a pull that was cut off before its end leaves it. */
  async bring({ references = [], repoDigests = [], layers, labels = {}, configuration }: PutImage) {
    const described = await Promise.all(layers.map((text) => this.#layer(text)));
    const config = JSON.stringify({
      ...configuration,
      layers: described.map(({ diffId }) => diffId),
      labels,
    });
    const configDigest = (await this.content.blobs.add(bytesOf(config))).digest;
    const manifest = JSON.stringify({ configDigest, described });
    const { digest } = await this.content.blobs.add(bytesOf(manifest));
    const record: ImageRecord = {
      ...{ digest, configDigest, references, repoDigests, layers: described },
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { ...emptyImageConfig, labels },
      ...{ architecture: 'amd64', variant: '', createdAt: 0, importedAt: this.clock.now() },
    };
    return record;
  }

  /** The images but `host`. */
  async images(): Promise<ImageInfo[]> {
    return (await this.store.list()).slice(1);
  }

  /** Bytes of all layers and blobs on the disk, whole or not. */
  async bytes(): Promise<number> {
    const names = await readdir(this.root, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile() && /\/(?:d|sha256|partial)$/.test(entry.parentPath));
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  files(directory: 'blobs/sha256' | 'partial' | 'layers' | 'staging'): Promise<string[]> {
    return readdir(join(this.root, directory));
  }

  async #layer(text: string): Promise<ImageRecord['layers'][number]> {
    const blob = Buffer.from(`packed ${text}`);
    const terms = { digest: digestOf(blob), size: blob.length };
    await this.content.blobs.ensure(terms, () => bytesOf(blob));
    const diffId = digestOf(text);
    await this.content.layers.ensure(diffId, async (directory) => {
      await writeFile(join(directory, 'file'), text);
      return Buffer.byteLength(text);
    });
    return { ...terms, diffId, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
  }
}

/** A blob of some hundred kilobytes in small pieces, always the same one of a number. */
export function slowBlob(number: number): {
  terms: { digest: string; size: number };
  bytes: Buffer;
  read: (offset: number) => AsyncGenerator<Buffer>;
} {
  const bytes = Buffer.from(`${number} of the slow blobs. `.repeat(10_000));
  const read = async function* (offset: number): AsyncGenerator<Buffer> {
    for (let at = offset; at < bytes.length; at += 4096)
      yield bytes.subarray(at, Math.min(at + 4096, bytes.length));
  };
  return { terms: { digest: digestOf(bytes), size: bytes.length }, bytes, read };
}
