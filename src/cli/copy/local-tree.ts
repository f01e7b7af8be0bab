import { closeSync, constants, linkSync, lstatSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import { detached, fsPath, shown } from '../../core/tar/byte-path.ts';
import type { ByteText } from '../../core/tar/entry.ts';
import { printable } from '../output/output.ts';
import { attemptOn, kindOf } from './local-files.ts';

/** A name in a directory that is held open, good until the next one is asked for. */
export interface Spot {
  /** For Node's fs, which never follows a link on its way. */
  at: string | Buffer;
  /** For people. */
  name: string;
}

/** Node does not name it: a descriptor that says where, and needs no permission to read. */
const O_PATH = 0o10000000;
const DIRECTORY = O_PATH | constants.O_DIRECTORY;

/**
 * A directory here that a sandbox's files are put into. Whatever their names are, nothing outside of it is reached: a
 * part of a name on the way is a directory, and never a link to one. Each is entered by its descriptor, so that this
 * holds although somebody changes the tree meanwhile: a sandbox may have it mounted.
 */
export class LocalTree {
  readonly #path: string;
  readonly #root: number;
  /** The directory of the spot before: most are beside it. */
  #parent: { way: ByteText; descriptor: number } | undefined;

  constructor(root: string) {
    this.#path = root.replace(/\/$/, '');
    this.#root = attemptOn('open', root, () => openSync(root, DIRECTORY));
  }

  /** Where a thing is, or will be, with the directories on its way made. @throws conflict */
  spot(parts: readonly ByteText[]): Spot {
    const way = parts.slice(0, -1).join('/');
    if (this.#parent?.way !== way) {
      const descriptor = this.#enter(parts.slice(0, -1), true);
      this.#leave();
      this.#parent = { way: detached(way), descriptor };
    }
    return this.#spotIn(this.#parent!.descriptor, parts);
  }

  /**
   * Makes room for something that is no directory. Only a file or a link goes for it: a device is no copy of anything,
   * and what is at the other end of a fifo or socket would wait for ever.
   * @throws conflict: something else is there
   */
  clear({ at, name }: Spot): void {
    const stats = attemptOn('look at', name, () => lstatSync(at, { throwIfNoEntry: false }));
    if (stats === undefined) return;
    if (!stats.isFile() && !stats.isSymbolicLink())
      throw new FsbError('conflict', `cannot overwrite ${kindOf(stats)} ${name} with something else`);
    attemptOn('replace', name, () => unlinkSync(at));
  }

  /** @throws conflict: something else is there */
  makeDirectory({ at, name }: Spot): void {
    const stats = attemptOn('look at', name, () => lstatSync(at, { throwIfNoEntry: false }));
    if (stats === undefined) attemptOn('make directory', name, () => mkdirSync(at, 0o700));
    else if (!stats.isDirectory())
      throw new FsbError('conflict', `cannot overwrite ${kindOf(stats)} ${name} with a directory`);
  }

  /** Gives a file of the copy a further name. @throws conflict when it is none */
  link(target: readonly ByteText[], parts: readonly ByteText[]): void {
    if (target.join('/') === parts.join('/')) return;
    const directory = this.#enter(target.slice(0, -1), false);
    try {
      const from = this.#spotIn(directory, target);
      if (lstatSync(from.at, { throwIfNoEntry: false })?.isFile() !== true)
        throw new FsbError('conflict', `refused a hard link to ${from.name}: that is no file of the copy`);
      const to = this.spot(parts);
      this.clear(to);
      attemptOn('make link', to.name, () => linkSync(from.at, to.at));
    } finally {
      closeSync(directory);
    }
  }

  /** Changes the directory itself, by a path that leads to nothing else. @throws conflict when it is none any more */
  changeDirectory(spot: Spot, change: (path: string) => void): void {
    const descriptor = this.#step(spot, false);
    try {
      attemptOn('finish directory', spot.name, () => change(pathOf(descriptor)));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Not to be used any more. */
  close(): void {
    this.#leave();
    closeSync(this.#root);
  }

  #leave(): void {
    if (this.#parent !== undefined) closeSync(this.#parent.descriptor);
    this.#parent = undefined;
  }

  #spotIn(directory: number, parts: readonly ByteText[]): Spot {
    return {
      at: fsPath(`${pathOf(directory)}/${parts.at(-1)}`),
      name: printable(`${this.#path}/${shown(parts.join('/'))}`),
    };
  }

  /** @returns the descriptor of the directory, the caller's to close */
  #enter(way: readonly ByteText[], make: boolean): number {
    let inner = openSync(pathOf(this.#root), DIRECTORY);
    for (let depth = 1; depth <= way.length; depth++) {
      const outer = inner;
      try {
        inner = this.#step(this.#spotIn(outer, way.slice(0, depth)), make);
      } finally {
        closeSync(outer);
      }
    }
    return inner;
  }

  #step({ at, name }: Spot, make: boolean): number {
    const stats = attemptOn('look at', name, () => lstatSync(at, { throwIfNoEntry: false }));
    if (stats === undefined && make) attemptOn('make directory', name, () => mkdirSync(at, 0o755));
    else if (stats?.isDirectory() === false)
      throw new FsbError('conflict', `refused to write through ${kindOf(stats)} ${name}`);
    return attemptOn('open', name, () => openSync(at, DIRECTORY | constants.O_NOFOLLOW));
  }
}

const pathOf = (descriptor: number): string => `/proc/self/fd/${descriptor}`;
