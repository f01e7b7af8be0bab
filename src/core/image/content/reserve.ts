import { open, rm, stat } from 'node:fs/promises';

/** Bytes: more than a list of some hundred images takes. */
const SIZE = 1 << 20;

/**
 * Some room of the disk that is kept for removals: to remove an image the list of images must be written, and on a full
 * disk nothing could be removed any more.
 */
export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room, when there is some. Fails in silence. */
  async fill(): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found?.size === SIZE) return;
    try {
      const file = await open(this.#path, 'w', 0o600);
      try {
        await file.writeFile(Buffer.alloc(SIZE));
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

  /** @returns whether there was some */
  async release(): Promise<boolean> {
    const found = await stat(this.#path).catch(() => undefined);
    await rm(this.#path, { force: true });
    return found !== undefined;
  }
}
