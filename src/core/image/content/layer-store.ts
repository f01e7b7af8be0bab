import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { writeError } from './disk.ts';
import type { Collection } from './garbage.ts';
import { bury, digitsOf, freeDirectory, isThere, type LayerRecord, readLayer } from './layer-files.ts';
import { type AsideOptions, LayersAside } from './layers-aside.ts';
import { Pins } from './pins.ts';
import { Remains } from './remains.ts';

interface Layer extends LayerRecord {
  directory: string;
  /** On the monotonic clock: when somebody last wanted it. */
  since: number;
}

export interface LayerStoreOptions extends AsideOptions {
  clock: Clock;
  /** Called when there may be more to collect than before. */
  onLeftover?: () => void;
}

/**
 * Unpacked layers, each once, by the digest of its plain tar (diffID): `<id>/d` is the layer, `<id>/layer.json` its
 * record. A layer appears by a rename when it is whole.
 */
export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #layers = new Map<string, Layer>();
  readonly #filling = new Map<string, Promise<void>>();
  readonly #pins = new Pins();
  readonly #aside: LayersAside;
  readonly #remains: Remains;

  private constructor(options: LayerStoreOptions) {
    this.#options = options;
    this.#aside = new LayersAside(options);
    this.#remains = new Remains(options.log);
  }

  static async open(options: LayerStoreOptions): Promise<LayerStore> {
    await mkdir(options.root, { recursive: true });
    const store = new LayerStore(options);
    for (const id of await readdir(options.root)) await store.#takeUp(id);
    return store;
  }

  /** The directory to mount; undefined when the layer is not here. */
  pathOf(diffId: string): string | undefined {
    const layer = this.#layers.get(diffId);
    return layer && join(layer.directory, 'd');
  }

  /**
   * Whether nothing has to be brought for it, by a look at the disk: what somebody has removed there under a living core
   * is forgotten, and can come again.
   */
  isWhole(diffId: string): boolean {
    const path = this.pathOf(diffId);
    if (path === undefined) return false;
    if (isThere(path)) return true;
    this.#options.log.warn({ layer: diffId }, 'a layer is gone from the disk');
    this.#layers.delete(diffId);
    return false;
  }

  /** Bytes; 0 when the layer is not here. */
  sizeOf(diffId: string): number {
    return this.#layers.get(diffId)?.size ?? 0;
  }

  /** Keeps layers from being collected until the returned function is called, also those that are yet to come. */
  pin(diffIds: Iterable<string>): () => void {
    const unpin = this.#pins.add(diffIds);
    return () => {
      unpin();
      this.#options.onLeftover?.();
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
    for (;;) {
      if (this.isWhole(diffId)) {
        this.#layers.get(diffId)!.since = this.#options.clock.monotonic();
        return;
      }
      throwIfAborted(signal);
      const other = this.#filling.get(diffId);
      if (other === undefined) return this.#fill(diffId, fill);
      await abortable(
        other.catch(() => {}),
        signal,
      );
    }
  }

  /** When the next of what `isUsed` does not know is due, if there is any that may be collected. */
  nextDue(isUsed: (diffId: string) => boolean, grace: number): number | undefined {
    let first = Number.POSITIVE_INFINITY;
    for (const { diffId, since } of this.#layers.values())
      if (since < first && !isUsed(diffId) && !this.#pins.has(diffId)) first = since;
    return first === Number.POSITIVE_INFINITY ? undefined : first + grace;
  }

  /** Removes what nobody uses or pins when its turn comes, and nobody has wanted for long. @returns bytes */
  async collect(collection: Collection): Promise<number> {
    let freed = 0;
    for (const layer of [...this.#layers.values()]) {
      const { diffId } = layer;
      if (this.#layers.get(diffId) !== layer || !this.#isCollectable(layer, collection)) continue;
      this.#layers.delete(diffId);
      const wasThere = await bury(layer.directory, this.#options.staging);
      failpoint('layer.removed');
      this.#options.log.debug({ layer: diffId, wasThere }, 'layer removed');
      if (wasThere) freed += layer.size;
    }
    await this.#aside.collect();
    return freed;
  }

  async #takeUp(id: string): Promise<void> {
    const { root, clock, log, isNamed, keepsUnknown } = this.#options;
    const directory = join(root, id);
    const found = await readLayer(directory);
    if (found === 'broken' && !isNamed(id) && !keepsUnknown()) {
      // Only a loss of power in the middle of an import leaves one, and no image can have it.
      log.warn({ layer: id }, 'removing a broken layer');
      await rm(directory, { recursive: true, force: true });
      return;
    }
    if (found === 'broken' || found instanceof Error) {
      log.error({ layer: id, err: found }, 'a layer cannot be read, and is left as it is');
      this.#aside.add(id);
    } else if (this.#layers.has(found.diffId) || (keepsUnknown() && !isNamed(digitsOf(found.diffId)))) {
      // Unpacked again while the first could not be read; or a power cut may have left empty files in it.
      this.#aside.add(id);
    } else this.#layers.set(found.diffId, { ...found, directory, since: clock.monotonic() });
  }

  /** What collect() would remove now, in bytes. */
  collectable(collection: Collection): number {
    return [...this.#layers.values()]
      .filter((layer) => this.#isCollectable(layer, collection))
      .reduce((sum, { size }) => sum + size, 0);
  }

  #isCollectable({ diffId, since }: Layer, { isUsed, before, only }: Collection): boolean {
    return !isUsed(diffId) && !this.#pins.has(diffId) && only?.has(diffId) !== false && since <= before;
  }

  async #fill(diffId: string, fill: (directory: string) => Promise<number>): Promise<void> {
    const filling = this.#unpackAndPublish(diffId, fill);
    this.#filling.set(diffId, filling);
    try {
      await filling;
    } finally {
      this.#filling.delete(diffId);
      this.#options.onLeftover?.();
    }
  }

  async #unpackAndPublish(diffId: string, fill: (directory: string) => Promise<number>): Promise<void> {
    await this.#remains.clear();
    const staged = join(this.#options.staging, `layer-${crypto.randomUUID()}`);
    try {
      // One by one: Node's recursive mkdir takes a disk that is read-only for a directory that is missing.
      for (const directory of [staged, join(staged, 'd')]) await mkdir(directory);
      failpoint('layer.staged');
      const size = await fill(join(staged, 'd'));
      failpoint('layer.unpacked');
      const record: LayerRecord = { diffId, size };
      await writeFile(join(staged, 'layer.json'), JSON.stringify(record));
      const directory = await freeDirectory(this.#options.root, diffId);
      failpoint('layer.recorded');
      await rename(staged, directory);
      failpoint('layer.renamed');
      this.#layers.set(diffId, { ...record, directory, since: this.#options.clock.monotonic() });
    } catch (error) {
      await this.#remains.remove(staged);
      throw writeError(error, `layer ${diffId}`);
    }
  }
}
