import { manifestTypeOf } from '../../../src/core/image/format/manifest-type.ts';
import type {
  ReadOptions,
  Registries,
  RemoteBlob,
  RemoteManifest,
  RemoteRepository,
} from '../../../src/core/image/registry/registries.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../../src/core/model/image/image-requests.ts';
import type { ImageReference } from '../../../src/core/model/image/reference.ts';
import type { Descriptor, LayoutFiles } from './image-files.ts';

/** What happens to the bytes of a blob on their way: a test holds them up, cuts them off, or changes them. */
export type BlobScript = (bytes: Buffer, blob: RemoteBlob, options: ReadOptions) => AsyncIterable<Buffer>;

const CHUNK = 1000;

/** Registries without a network: one repository content for all names, and a record of what was asked for. */
export class MemoryRegistries implements Registries {
  /** `tag latest`, `manifest sha256:...`, `digest latest`, `blob sha256:... 0`; in the order in which they came. */
  readonly requests: string[] = [];
  readonly credentials: (RegistryCredentials | undefined)[] = [];
  readonly #files: LayoutFiles;
  readonly #tags: Map<string, Descriptor>;
  tellsDigests = true;
  script: BlobScript = (bytes) => inChunks(bytes);
  /** Called before a manifest is given. */
  beforeManifest: (options?: Omit<ReadOptions, 'offset'>) => Promise<void> = async () => undefined;

  constructor(files: LayoutFiles, tags: Record<string, Descriptor>) {
    this.#files = files;
    this.#tags = new Map(Object.entries(tags));
  }

  count(start: string): number {
    return this.requests.filter((request) => request.startsWith(start)).length;
  }

  tag(name: string, descriptor: Descriptor): void {
    this.#tags.set(name, descriptor);
  }

  async repository(_reference: ImageReference, credentials?: RegistryCredentials): Promise<RemoteRepository> {
    this.credentials.push(credentials);
    return {
      digestOf: (reference, options) => this.#digestOf(reference, options),
      manifest: (reference, options) => this.#manifest(reference, options),
      blob: (blob, options = {}) => this.#blob(blob, options),
    };
  }

  async login(): Promise<{ identityToken?: string }> {
    return { identityToken: 'token' };
  }

  async close(): Promise<void> {}

  async #manifest(reference: string, options?: Omit<ReadOptions, 'offset'>): Promise<RemoteManifest> {
    const isDigest = reference.startsWith('sha256:');
    this.requests.push(`${isDigest ? 'manifest' : 'tag'} ${reference}`);
    await this.beforeManifest(options);
    const digest = this.#meaning(reference);
    const body = digest && this.#files.get(pathOf(digest));
    if (!digest || !body) throw new FsbError('image_not_found', `there is no ${reference}`);
    return { digest, mediaType: manifestTypeOf(body, ''), body };
  }

  async #digestOf(reference: string, options?: Omit<ReadOptions, 'offset'>): Promise<string | undefined> {
    this.requests.push(`digest ${reference}`);
    await this.beforeManifest(options);
    return this.tellsDigests ? this.#meaning(reference) : undefined;
  }

  #meaning(reference: string): string | undefined {
    return reference.startsWith('sha256:') ? reference : this.#tags.get(reference)?.digest;
  }

  async *#blob(blob: RemoteBlob, options: ReadOptions): AsyncGenerator<Buffer> {
    const { offset = 0, signal } = options;
    this.requests.push(`blob ${blob.digest} ${offset}`);
    const content = this.#files.get(pathOf(blob.digest));
    if (!content) throw new FsbError('image_not_found', `there is no blob ${blob.digest}`);
    for await (const chunk of this.script(content.subarray(offset), blob, options)) {
      if (signal?.aborted) throw FsbError.from(signal.reason);
      yield chunk;
    }
  }
}

export async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

const pathOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** For stores that pull nothing. */
export const noRegistries: Registries = new MemoryRegistries(new Map(), {});
