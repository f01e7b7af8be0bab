import { FsbError } from '../../model/failure/errors.ts';
import { detached } from '../../tar/byte-path.ts';
import type { ByteText } from '../../tar/entry.ts';
import type { DirectoryNode, Notes } from './directory-node.ts';

/** Roughly what things that are noted take in memory, besides their names. */
const NOTE_SIZE = 300;
const DIRECTORY_SIZE = 800;
/** Its buffer is an object here and one outside of the heap. */
const ATTRIBUTE_SIZE = 400;

/**
 * Keeps in memory what is put on a layer at its end, and counts it, roughly in bytes: a hostile layer of nothing but
 * directories and attributes must end with an error, and not with the memory.
 * Every method throws invalid_argument when there is no more room.
 */
export class LayerNotes {
  readonly #bytes: number;
  #left: number;
  /** Devices that nobody wanted, by path: links to them are no error. */
  readonly #leftOut = new Set<ByteText>();

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#left = bytes;
  }

  /** Counts a directory that is about to be made. */
  directory(path: ByteText): void {
    this.#take(DIRECTORY_SIZE + path.length);
  }

  /** Undefined when there are none. */
  of(attributes: Map<string, Buffer>): Notes | undefined {
    if (attributes.size === 0) return undefined;
    this.#take(NOTE_SIZE);
    for (const [name, value] of attributes) this.#take(ATTRIBUTE_SIZE + name.length + value.length);
    return { attributes };
  }

  /** Of a thing that is no directory. */
  put(parent: DirectoryNode, base: string, notes: Notes | undefined): void {
    if (notes === undefined) return;
    this.#take(NOTE_SIZE + base.length);
    parent.fileNotes.set(detached(base), notes);
  }

  /** @throws invalid_argument also when no file can be called so */
  whiteout(directory: DirectoryNode, hidden: string): void {
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw new FsbError('invalid_argument', 'it is a whiteout that hides nothing');
    // The file system would refuse it at the very end, when nobody knows any more which entry it was.
    if (hidden.length > 255)
      throw new FsbError(
        'invalid_argument',
        'it is a whiteout of a name that no file can have (ENAMETOOLONG)',
      );
    this.#take(NOTE_SIZE + hidden.length);
    directory.whiteouts.add(detached(hidden));
  }

  leaveOut(path: ByteText): void {
    this.#take(NOTE_SIZE + path.length);
    this.#leftOut.add(detached(path));
  }

  isLeftOut(path: ByteText): boolean {
    return this.#leftOut.has(path);
  }

  #take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new FsbError(
        'invalid_argument',
        `its directories, whiteouts and attributes take more than ${this.#bytes / 1024 ** 2} MiB of memory`,
      );
  }
}
