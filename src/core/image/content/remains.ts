import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';

/** What unfinished work has left on the disk, until it is removed: what failed on a broken disk cannot be removed then. */
export class Remains {
  readonly #log: Logger;
  readonly #paths = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** With all that could not be removed before. Never rejects. */
  remove(path: string): Promise<void> {
    this.#paths.add(path);
    return this.clear();
  }

  /** Tries again. Never rejects. */
  async clear(): Promise<void> {
    for (const path of [...this.#paths])
      await rm(path, { recursive: true, force: true }).then(
        () => this.#paths.delete(path),
        (error: unknown) => this.#log.warn({ err: error, path }, 'cannot remove what a failure has left'),
      );
  }
}
