import { lstatSync, readlinkSync } from 'node:fs';
import { FsbError } from '../../model/failure/errors.ts';
import { fsPath, partsOf, shown } from '../../tar/byte-path.ts';
import type { ByteText } from '../../tar/entry.ts';
import type { UnpackBudget } from './budget.ts';
import type { DirectoryNode } from './directory-node.ts';

// As many as the kernel follows.
const MOST_LINKS = 40;
/** What following one costs beside a part that is known: it is read from the disk. */
const STEPS_OF_LINK = 20;

/** In a directory; something may be there or not. */
export interface Place {
  parent: DirectoryNode;
  base: string;
}

/** Below the layer. @param place of the name; undefined when its directory is not there */
export const pathOf = (name: ByteText, place: Place | undefined): ByteText =>
  place === undefined ? partsOf(name).join('/') : place.parent.pathOf(place.base);

/**
 * Finds the directory that a name from a tar means, part by part, as if the layer's root were the root of the file
 * system: a symbolic link is followed inside of it only, and `..` of the root is the root.
 */
export class NameResolver {
  /** Where the layer is. */
  readonly #directory: ByteText;
  readonly #root: DirectoryNode;
  readonly #budget: UnpackBudget;
  readonly #makeDirectory: (parent: DirectoryNode, base: string) => DirectoryNode;
  /** What is beside the entry before is found at once. Valid until something is removed. */
  #last: { key: string; node: DirectoryNode } | undefined;

  constructor(
    directory: ByteText,
    root: DirectoryNode,
    budget: UnpackBudget,
    makeDirectory: (parent: DirectoryNode, base: string) => DirectoryNode,
  ) {
    this.#directory = directory;
    this.#root = root;
    this.#budget = budget;
    this.#makeDirectory = makeDirectory;
  }

  /** To be called whenever something in the layer was removed or replaced. */
  forget(): void {
    this.#last = undefined;
  }

  /** The directory that these parts lead to. Makes what is missing. */
  directory(parts: string[]): DirectoryNode {
    const key = parts.join('/');
    if (this.#last?.key !== key) this.#last = { key, node: this.#walk(parts, true)! };
    return this.#last.node;
  }

  /** The place of an existing or missing thing in an existing directory; undefined when there is no such directory. */
  find(name: ByteText): Place | undefined {
    const parts = partsOf(name);
    const base = parts.pop();
    if (base === undefined) return undefined;
    const parent = this.#walk(parts, false);
    return parent && { parent, base };
  }

  #walk(parts: string[], make: boolean): DirectoryNode | undefined {
    // Reversed: what a link leads to goes in front, many times.
    const left = parts.toReversed();
    this.#budget.takeSteps(left.length);
    let node = this.#root;
    let links = 0;
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      if (part === '..') {
        node = node.parent ?? this.#root;
        continue;
      }
      const known = node.directories.get(part);
      if (known !== undefined) {
        node = known;
        continue;
      }
      const target = this.#linkTarget(node.pathOf(part));
      if (target !== undefined) {
        links += 1;
        if (links > MOST_LINKS)
          throw new FsbError('invalid_argument', 'its name has too many symbolic links in it');
        if (target.startsWith('/')) node = this.#root;
        const steps = target.split('/').filter((step) => step !== '' && step !== '.');
        this.#budget.takeSteps(steps.length + STEPS_OF_LINK);
        left.push(...steps.reverse());
      } else if (make) node = this.#makeDirectory(node, part);
      else return undefined;
    }
    return node;
  }

  /** Undefined when nothing is there. */
  #linkTarget(path: ByteText): ByteText | undefined {
    const absolute = fsPath(`${this.#directory}/${path}`);
    const stats = lstatSync(absolute, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) return readlinkSync(absolute, 'latin1');
    throw new FsbError('invalid_argument', `its name has ${shown(path)} in it, which is not a directory`);
  }
}
