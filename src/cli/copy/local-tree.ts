import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { FsbError } from '../../core/model/errors.ts';
import { bytesOfPath, fsPath, shown } from '../../core/tar/byte-path.ts';
import type { ByteText } from '../../core/tar/entry.ts';
import { printable } from '../output/output.ts';
import { attempt, kindOf } from './local-files.ts';

/**
 * A directory here that a sandbox's files are put into. Whatever their names are, nothing outside of it is reached: a
 * part of a name on the way is a directory, and never a link to one.
 */
export class LocalTree {
  readonly #root: ByteText;
  /** Directories that are known to be ones. They stay it: nothing here puts anything else in their place. */
  readonly #directories = new Set<ByteText>();

  constructor(root: string) {
    this.#root = bytesOfPath(root.endsWith('/') ? root.slice(0, -1) : root);
  }

  /** The path of a thing, with the directories on its way made. @throws conflict */
  placeOf(parts: readonly ByteText[]): ByteText {
    let path = this.#root;
    for (const part of parts.slice(0, -1)) {
      path = `${path}/${part}`;
      if (!this.#directories.has(path)) this.#enter(path);
    }
    return `${path}/${parts.at(-1)}`;
  }

  /** The path of a thing that must be there, and be no directory or link: what a hard link may lead to. @throws conflict */
  fileAt(parts: readonly ByteText[]): ByteText {
    const path = this.placeOf(parts);
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (stats?.isFile()) return path;
    throw new FsbError('conflict', `refused a hard link to ${named(path)}: that is no file of the copy`);
  }

  /** Makes room for something that is no directory. @throws conflict: a directory is there */
  clear(path: ByteText): void {
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (stats.isDirectory())
      throw new FsbError('conflict', `cannot overwrite directory ${named(path)} with something else`);
    attempt('replace', path, (at) => unlinkSync(at));
  }

  /** @throws conflict: something else is there */
  makeDirectory(path: ByteText): void {
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (stats === undefined) attempt('make directory', path, (at) => mkdirSync(at, 0o700));
    else if (!stats.isDirectory())
      throw new FsbError('conflict', `cannot overwrite ${kindOf(stats)} ${named(path)} with a directory`);
    this.#directories.add(path);
  }

  #enter(path: ByteText): void {
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (stats === undefined) attempt('make directory', path, (at) => mkdirSync(at, 0o755));
    else if (!stats.isDirectory())
      throw new FsbError('conflict', `refused to write through ${kindOf(stats)} ${named(path)}`);
    this.#directories.add(path);
  }
}

export const named = (path: ByteText): string => printable(shown(path));
