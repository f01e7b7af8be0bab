import { open, rm, stat } from 'node:fs/promises';

/** Bytes: more than twice what a list of some hundred images takes. */
const LEAST = 1 << 20;

/**
 * Some room of the disk that is kept for removals: to remove an image the list of images must be written, and on a full
 * disk nothing could be removed any more. It holds the list twice, because a disk takes more than a file has.
 */
export class Reserve {
  readonly #path: string;
  #size = LEAST;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room, when there is some. Fails in silence. */
  fill(): Promise<void> {
    return this.#oneAtATime(() => this.#fill());
  }

  /** To be called when the list has so many bytes. Fails in silence. */
  async growFor(bytes: number): Promise<void> {
    const wanted = Math.ceil((2 * bytes) / LEAST) * LEAST;
    if (wanted <= this.#size) return;
    this.#size = wanted;
    await this.fill();
  }

  /** @returns whether there was some */
  release(): Promise<boolean> {
    return this.#oneAtATime(async () => {
      const found = await stat(this.#path).catch(() => undefined);
      await rm(this.#path, { force: true });
      return found !== undefined;
    });
  }

  async #fill(): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found !== undefined && found.size >= this.#size) return;
    try {
      const file = await open(this.#path, 'w', 0o600);
      try {
        const block = Buffer.alloc(LEAST);
        for (let size = 0; size < this.#size; size += LEAST) await file.appendFile(block);
        // A disk may find out only now that it is full.
        await file.sync();
      } finally {
        await file.close();
      }
    } catch {
      // No room, mostly; what else keeps it from being written keeps other things too, and they say so.
      await rm(this.#path, { force: true });
    }
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
