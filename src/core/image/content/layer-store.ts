import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { throwIfAborted } from '../../model/errors.ts';

interface LayerRecord {
  diffId: string;
  /** Bytes of the files in it. */
  size: number;
}

interface Layer extends LayerRecord {
  directory: string;
}

// Short, because the paths of all layers of an image must fit into one page of mount options.
const SHORTEST_ID = 12;

/**
 * Unpacked layers, each once, by the digest of its plain tar (diffID): `<id>/d` is the layer, `<id>/layer.json` its
 * record. A layer appears by a rename when it is whole.
 */
export class LayerStore {
  readonly #root: string;
  readonly #staging: string;
  readonly #log: Logger;
  readonly #layers = new Map<string, Layer>();
  readonly #filling = new Map<string, Promise<void>>();
  readonly #pins = new Map<string, number>();

  private constructor(root: string, staging: string, log: Logger) {
    this.#root = root;
    this.#staging = staging;
    this.#log = log;
  }

  /** @param staging an existing directory on the same file system */
  static async open(root: string, staging: string, log: Logger): Promise<LayerStore> {
    await mkdir(root, { recursive: true });
    const store = new LayerStore(root, staging, log);
    for (const id of await readdir(root)) {
      const record = await readRecord(join(root, id));
      if (record !== undefined) store.#layers.set(record.diffId, { ...record, directory: join(root, id) });
      else {
        // Only a loss of power in the middle of an import leaves one, and no image can have it.
        log.warn({ layer: id }, 'removing a broken layer');
        await rm(join(root, id), { recursive: true, force: true });
      }
    }
    return store;
  }

  /** The directory to mount; undefined when the layer is not here. */
  pathOf(diffId: string): string | undefined {
    const layer = this.#layers.get(diffId);
    return layer && join(layer.directory, 'd');
  }

  /** Bytes; 0 when the layer is not here. */
  sizeOf(diffId: string): number {
    return this.#layers.get(diffId)?.size ?? 0;
  }

  /** Keeps layers from removeUnused until the returned function is called, also those that are yet to come. */
  pin(diffIds: Iterable<string>): () => void {
    const pinned = new Set(diffIds);
    for (const diffId of pinned) this.#pins.set(diffId, (this.#pins.get(diffId) ?? 0) + 1);
    return () => {
      for (const diffId of pinned) this.#unpin(diffId);
      pinned.clear();
    };
  }

  /**
   * Makes sure that a layer is here. Of several callers at once one fills it, the others wait; when that one fails,
   * the next tries with its own source.
   * @param fill unpacks into the empty directory and returns the bytes
   */
  async ensure(
    diffId: string,
    fill: (directory: string) => Promise<number>,
    signal?: AbortSignal,
  ): Promise<void> {
    while (!this.#layers.has(diffId)) {
      throwIfAborted(signal);
      const other = this.#filling.get(diffId);
      if (other === undefined) return this.#fill(diffId, fill);
      await Promise.race([other.catch(() => undefined), abortion(signal)]);
    }
  }

  /** Removes every layer that is neither pinned nor used when its turn comes. */
  async removeUnused(isUsed: (diffId: string) => boolean): Promise<void> {
    for (const layer of [...this.#layers.values()]) {
      if (isUsed(layer.diffId) || this.#layers.get(layer.diffId) !== layer || this.#pins.has(layer.diffId))
        continue;
      this.#layers.delete(layer.diffId);
      // Out of sight at once: a crash in the middle of removing leaves no half layer.
      const grave = join(this.#staging, `removed-${crypto.randomUUID()}`);
      await rename(layer.directory, grave);
      await rm(grave, { recursive: true, force: true });
      this.#log.debug({ layer: layer.diffId }, 'layer removed');
    }
  }

  async #fill(diffId: string, fill: (directory: string) => Promise<number>): Promise<void> {
    const filling = this.#unpackAndPublish(diffId, fill);
    this.#filling.set(diffId, filling);
    try {
      await filling;
    } finally {
      this.#filling.delete(diffId);
    }
  }

  async #unpackAndPublish(diffId: string, fill: (directory: string) => Promise<number>): Promise<void> {
    const staged = join(this.#staging, `layer-${crypto.randomUUID()}`);
    try {
      await mkdir(join(staged, 'd'), { recursive: true });
      const size = await fill(join(staged, 'd'));
      const record: LayerRecord = { diffId, size };
      await writeFile(join(staged, 'layer.json'), JSON.stringify(record));
      const directory = await this.#freeDirectory(diffId);
      await rename(staged, directory);
      this.#layers.set(diffId, { ...record, directory });
    } catch (error) {
      await rm(staged, { recursive: true, force: true });
      throw error;
    }
  }

  /** As few digits of the digest as no other layer has; two layers never share a directory. */
  async #freeDirectory(diffId: string): Promise<string> {
    const digits = diffId.slice(diffId.indexOf(':') + 1);
    const taken = new Set(await readdir(this.#root));
    let length = SHORTEST_ID;
    while (taken.has(digits.slice(0, length)) && length < digits.length) length += 1;
    return join(this.#root, digits.slice(0, length));
  }

  #unpin(diffId: string): void {
    const count = (this.#pins.get(diffId) ?? 0) - 1;
    if (count > 0) this.#pins.set(diffId, count);
    else this.#pins.delete(diffId);
  }
}

async function readRecord(directory: string): Promise<LayerRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(directory, 'layer.json'), 'utf8')) as Partial<LayerRecord>;
    if (typeof record.diffId !== 'string' || typeof record.size !== 'number') return undefined;
    return { diffId: record.diffId, size: record.size };
  } catch {
    return undefined;
  }
}

/** Resolves when the signal is aborted; the caller looks at the signal itself. */
function abortion(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
