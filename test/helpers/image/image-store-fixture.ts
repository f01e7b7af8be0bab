import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import type { LocalImageStore } from '../../../src/core/image/image-store.ts';
import type { ImageStoreOptions } from '../../../src/core/image/image-store-options.ts';
import { createImageStore } from '../../../src/core/image/local-image-store.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import type { ImportedImage } from '../../../src/core/model/image/image.ts';
import { buildGuest, launch } from '../guest/guest-programs.ts';
import { type LayoutFiles, type TestImage, tarOf, writeArchive } from './image-files.ts';
import { noRegistries } from './memory-registry.ts';

/** An empty image store in a directory of its own for each test, and what tests of it need. */
export class ImageStoreFixture {
  directory = '';
  store!: LocalImageStore;

  get stateDirectory(): string {
    return join(this.directory, 'state');
  }

  get layersDirectory(): string {
    return join(this.stateDirectory, 'images/layers');
  }

  get stagingDirectory(): string {
    return join(this.stateDirectory, 'images/staging');
  }

  async setUp(options?: Partial<ImageStoreOptions>): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'fsb-images-'));
    await this.open(options);
  }

  async tearDown(): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  async open(options: Partial<ImageStoreOptions> = {}): Promise<void> {
    const common = { stateDir: this.stateDirectory, log: pino({ level: 'silent' }) };
    this.store = await createImageStore({
      clock: systemClock,
      registries: noRegistries,
      launch,
      ...common,
      ...options,
    });
  }

  blobPath(digest: string): string {
    return join(this.stateDirectory, 'images/blobs', digest.replace(':', '/'));
  }

  /** Bytes of the files in a directory of the store. */
  async sizesIn(directory: string): Promise<number[]> {
    const path = join(this.stateDirectory, 'images', directory);
    return Promise.all((await readdir(path)).map(async (name) => (await stat(join(path, name))).size));
  }

  /** Files that a pull or import has left, of those that no image has. */
  async leftovers(): Promise<string[]> {
    const used = new Set<string>();
    const images = (await this.store.list()).filter(({ references }) => !references.includes('host'));
    for (const { digest, repoDigests } of images) {
      for (const name of repoDigests) used.add(name.slice(name.indexOf('@') + 1));
      const { layers, configDigest } = await this.store.inspect(digest);
      for (const name of [digest, configDigest, ...layers.map((layer) => layer.digest)]) used.add(name);
      const { root } = await this.store.resolve(digest);
      for (const path of root.overlays[0]!.lower) used.add(path.split('/').at(-2)!);
    }
    const names = async (directory: string): Promise<string[]> =>
      (await readdir(join(this.stateDirectory, 'images', directory))).map((name) => `${directory}/${name}`);
    const all = await Promise.all(['blobs/sha256', 'partial', 'layers', 'staging'].map(names));
    const nameOf = (path: string): string =>
      path.replace('blobs/', '').replace('/', ':').replace('layers:', '');
    return all.flat().filter((path) => !used.has(nameOf(path)));
  }

  /** Imports a file of this machine. */
  import(path: string, name?: string, signal?: AbortSignal): Promise<ImportedImage[]> {
    return this.store.import({ source: { path }, name }, signal);
  }

  /** What `file` in the topmost layer of an image says. */
  async contentOf(reference: string): Promise<string> {
    const { root } = await this.store.resolve(reference);
    return readFile(join(root.overlays[0]!.lower[0]!, 'file'), 'utf8');
  }

  async archive(files: LayoutFiles, compress?: (data: Buffer) => Buffer): Promise<string> {
    const path = join(this.directory, 'image.tar');
    await writeArchive(path, files, compress);
    return path;
  }

  /** What this process has open of the test's files. */
  async openFiles(): Promise<string[]> {
    const names = await readdir('/proc/self/fd');
    const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
    return paths.filter((path) => path.startsWith(this.directory));
  }
}

export function useImageStore(): ImageStoreFixture {
  const fixture = new ImageStoreFixture();
  beforeAll(buildGuest);
  beforeEach(() => fixture.setUp());
  afterEach(() => fixture.tearDown());
  return fixture;
}

/** Two layers: `base`, the same in every one, and `file` with the content. */
export async function tinyImage(
  name: string | undefined,
  content: string,
  more: Partial<TestImage> = {},
): Promise<TestImage> {
  const base = await tarOf([{ name: 'base', content: 'shared' }]);
  const layers = [base, await tarOf([{ name: 'file', content }])];
  return { name, layers, config: { Cmd: ['run'] }, ...more };
}
