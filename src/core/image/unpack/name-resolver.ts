import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../model/errors.ts';

// As many as the kernel follows.
const MOST_LINKS = 40;

/**
 * Finds the directory that a name from a tar means, part by part, as if `root` were the root of the file system: a
 * symbolic link is followed inside of `root` only, and `..` of the root is the root.
 */
export class NameResolver {
  readonly #root: string;
  readonly #makeDirectory: (path: string) => Promise<void>;
  /** Directory name as written -> real path. Valid until something is removed. */
  readonly #known = new Map<string, string>();

  constructor(root: string, makeDirectory: (path: string) => Promise<void>) {
    this.#root = root;
    this.#makeDirectory = makeDirectory;
  }

  /** To be called whenever something below root was removed or replaced. */
  forget(): void {
    this.#known.clear();
  }

  /** The path below root of the directory, without symbolic links in it; '' is root. Makes what is missing. */
  async directory(name: string): Promise<string> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const path = await this.#walk(name, true);
    this.#known.set(name, path!);
    return path!;
  }

  /** The path of an existing or missing thing in an existing directory; undefined when there is no such directory. */
  async find(name: string): Promise<string | undefined> {
    const parts = partsOf(name);
    if (parts.length === 0) return '';
    const parent = await this.#walk(parentOf(parts), false);
    if (parent === undefined) return undefined;
    return parent === '' ? baseOf(parts) : `${parent}/${baseOf(parts)}`;
  }

  async #walk(name: string, make: boolean): Promise<string | undefined> {
    const left = partsOf(name);
    let real: string[] = [];
    let links = 0;
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      if (part === '..') {
        real.pop();
        continue;
      }
      const path = [...real, part].join('/');
      const kind = await this.#kindOf(path);
      if (kind === 'link') {
        links += 1;
        if (links > MOST_LINKS)
          throw new FsbError('invalid_argument', `${name} has too many symbolic links in it`);
        const target = await readlink(join(this.#root, path));
        if (target.startsWith('/')) real = [];
        left.unshift(...target.split('/').filter((step) => step !== '' && step !== '.'));
        continue;
      }
      if (kind === 'other')
        throw new FsbError('invalid_argument', `${name} has ${path} in it, which is not a directory`);
      if (kind === 'nothing') {
        if (!make) return undefined;
        await this.#makeDirectory(path);
      }
      real.push(part);
    }
    return real.join('/');
  }

  async #kindOf(path: string): Promise<'directory' | 'link' | 'other' | 'nothing'> {
    const stats = await lstat(join(this.#root, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (stats === undefined) return 'nothing';
    if (stats.isDirectory()) return 'directory';
    return stats.isSymbolicLink() ? 'link' : 'other';
  }
}

/**
 * The parts of a name in a tar; an absolute name is meant relative to the layer.
 * @throws invalid_argument for `..` and NUL, which no honest tar has
 */
export function partsOf(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new FsbError('invalid_argument', `the name ${JSON.stringify(name)} leads out of the layer`);
  if (name.includes('\0'))
    throw new FsbError('invalid_argument', `the name ${JSON.stringify(name)} has a NUL byte`);
  return parts;
}

export const parentOf = (parts: string[]): string => parts.slice(0, -1).join('/');
export const baseOf = (parts: string[]): string => parts.at(-1) ?? '';
