import type { ImageRecord, ImageRecords } from '../content/image-records.ts';
import { happening, type OnHappening } from '../happenings.ts';

/** Puts images and names on record, and tells who follows what names mean. */
export class Publisher {
  readonly #records: ImageRecords;
  readonly #happened: OnHappening;
  readonly #listeners = new Set<(replaced: readonly string[]) => void>();

  constructor(records: ImageRecords, happened: OnHappening) {
    this.#records = records;
    this.#happened = happened;
  }

  /** @returns the way to stop */
  onNamesChanged(listener: (replaced: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when new images, or new names, are durable and known. Their content must be pinned until then. */
  async publish(images: readonly ImageRecord[]): Promise<void> {
    const names = images.flatMap(({ references }) => references);
    const before = names.map((name) => this.#records.byReference(name)?.digest);
    await this.#records.add(images);
    const replaced = before.filter(
      (digest, index) => digest !== undefined && this.#records.byReference(names[index]!)?.digest !== digest,
    );
    this.tell([...new Set(replaced as string[])]);
  }

  /** Gives an image that is here one more name. @returns false when it is gone */
  async tag(digest: string, name: string): Promise<boolean> {
    const before = this.#records.byReference(name)?.digest;
    if (!(await this.#records.tag(digest, name))) return false;
    this.#happened(happening({ digest, references: [name] }, { type: 'tagged' }));
    this.tell(before === undefined || before === digest ? [] : [before]);
    return true;
  }

  /** Names have come to mean something else than these digests, or something at all. */
  tell(replaced: readonly string[]): void {
    for (const listener of this.#listeners) listener(replaced);
  }
}
