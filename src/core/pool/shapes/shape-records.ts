import { type Shape, shapeKey } from '../../model/sandbox/shape.ts';
import { ShapeRecord } from './shape-record.ts';

// Counters of shapes that nobody uses any more are kept for `pool status`, but not of every shape there ever was.
const MOST_RECORDS = 256;

/** The shapes that the pool knows. */
export class ShapeRecords {
  readonly #byKey = new Map<string, ShapeRecord>();
  readonly #wanted: (key: string) => boolean;

  /** `wanted`: somebody waits for the shape. */
  constructor(wanted: (key: string) => boolean) {
    this.#wanted = wanted;
  }

  of(shape: Shape, image: string): ShapeRecord {
    const key = shapeKey(shape);
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      // Adopted instances bring no name but the digest.
      if (known.image === known.shape.image) known.image = image;
      return known;
    }
    this.#forgetUnused();
    const record = new ShapeRecord(key, shape, image);
    this.#byKey.set(key, record);
    return record;
  }

  get(key: string): ShapeRecord {
    return this.#byKey.get(key)!;
  }

  all(): ShapeRecord[] {
    return [...this.#byKey.values()];
  }

  /** Those of instances that were an earlier one again and are gone: nobody asks for such a shape twice for long. */
  forgetSpent(): void {
    for (const record of this.all())
      if (record.shape.again !== undefined && record.unused && !this.#wanted(record.key))
        this.#byKey.delete(record.key);
  }

  /** Those that were used least lately, until there is a place for another; many may have become unused at once. */
  #forgetUnused(): void {
    const tooMany = this.#byKey.size - MOST_RECORDS + 1;
    if (tooMany <= 0) return;
    const unused = this.all().filter((record) => record.unused && !this.#wanted(record.key));
    unused.sort((a, b) => a.lastUse - b.lastUse);
    for (const { key } of unused.slice(0, tooMany)) this.#byKey.delete(key);
  }
}
