import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfHex, hexOf, isDigest } from '../../model/image/digest.ts';

export interface FoundBlob {
  digest: string;
  size: number;
  /** Milliseconds since the epoch: when it was written last. */
  writtenAt: number;
}

const ADDING = 'add-';

/** Where blobs are: `blobs/sha256/<hex>` when they are whole, `partial/<hex>` until then. */
export class BlobFiles {
  readonly directory: string;
  readonly #partials: string;

  constructor(root: string) {
    this.directory = join(root, 'blobs/sha256');
    this.#partials = join(root, 'partial');
  }

  path(digest: string): string {
    return join(this.directory, hexOf(digest));
  }

  partialPath(digest: string): string {
    return join(this.#partials, hexOf(digest));
  }

  /** Of one whose digest nobody knows yet. */
  newPath(): string {
    return join(this.#partials, `${ADDING}${crypto.randomUUID()}`);
  }

  /**
   * Looks at what is here. A whole blob that is not believed may be of a time at which the disk failed: it is made one
   * that is not whole, whose bytes are verified before they are used.
   */
  async open(
    isBelieved: (digest: string) => boolean,
  ): Promise<{ blobs: FoundBlob[]; partials: FoundBlob[] }> {
    for (const directory of [this.directory, this.#partials])
      await mkdir(directory, { recursive: true, mode: 0o700 });
    const blobs = await found(this.directory);
    const [believed, others] = [
      blobs.filter(({ digest }) => isBelieved(digest)),
      blobs.filter(({ digest }) => !isBelieved(digest)),
    ];
    for (const { digest } of others) await rename(this.path(digest), this.partialPath(digest));
    for (const name of await readdir(this.#partials))
      if (name.startsWith(ADDING)) await rm(join(this.#partials, name), { force: true });
    return { blobs: believed, partials: await found(this.#partials) };
  }
}

async function found(directory: string): Promise<FoundBlob[]> {
  const digests = (await readdir(directory)).map(digestOfHex).filter(isDigest);
  return Promise.all(
    digests.map(async (digest) => {
      const { size, mtimeMs } = await stat(join(directory, hexOf(digest)));
      return { digest, size, writtenAt: mtimeMs };
    }),
  );
}
