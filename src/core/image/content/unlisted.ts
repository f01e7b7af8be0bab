import { open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './disk.ts';

/**
 * Whether what no image has must stay, because the list of images was lost: the layers below running instances would
 * go. A mark on the disk, because the core may start again before somebody has looked at it.
 */
export class Unlisted {
  readonly #path: string;
  #isKept: boolean;

  private constructor(path: string, isKept: boolean) {
    this.#path = path;
    this.#isKept = isKept;
  }

  /** Where it cannot be known whether there is a mark, what it is about stays, until the next core looks. */
  static async open(path: string): Promise<Unlisted> {
    const isKept = await stat(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
    return new Unlisted(path, isKept);
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Resolves when that is durable. Not being able to write it is no reason not to start: then it is for this time. */
  async keep(): Promise<void> {
    this.#isKept = true;
    try {
      await (await open(this.#path, 'w', 0o600)).close();
      await syncDirectory(dirname(this.#path));
    } catch {
      // A full disk.
    }
  }

  async giveUp(): Promise<void> {
    if (!this.#isKept) return;
    await rm(this.#path, { force: true });
    this.#isKept = false;
  }
}
