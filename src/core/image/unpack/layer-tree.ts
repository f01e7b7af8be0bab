import {
  chmod,
  chown,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../model/errors.ts';
import { baseOf, NameResolver, parentOf, partsOf } from './name-resolver.ts';
import { type OverlayMarks, writeOverlayMarks } from './overlay-marks.ts';

export interface Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since the epoch. */
  mtime: number;
}

/**
 * A directory that a layer is unpacked into, as overlayfs wants a lower directory. Whatever names it is given, nothing
 * outside of `root` is read or written; nobody else may write below `root` meanwhile.
 */
export class LayerTree {
  readonly #root: string;
  /** Only root can give files away; for others every file is their own. */
  readonly #ownership: boolean;
  readonly #resolver: NameResolver;
  /** Set at the end: writing into a directory changes its time, and its mode may forbid it. */
  readonly #directories = new Map<string, Attributes>();
  readonly #opaque = new Set<string>();
  readonly #whiteouts = new Set<string>();

  constructor(root: string, ownership: boolean) {
    this.#root = root;
    this.#ownership = ownership;
    this.#resolver = new NameResolver(root, (path) => this.#makeImplicitDirectory(path));
    this.#directories.set('', implicitDirectory);
  }

  async directory(name: string, attributes: Attributes): Promise<void> {
    if (partsOf(name).length === 0) {
      this.#directories.set('', attributes);
      return;
    }
    const path = await this.#resolve(name);
    const existing = await this.#kindOf(path);
    if (existing !== 'directory') {
      if (existing !== 'nothing') await this.#remove(path);
      await mkdir(this.#absolute(path), 0o700);
    }
    this.#directories.set(path, attributes);
  }

  async file(name: string, attributes: Attributes, content: AsyncIterable<Buffer>): Promise<void> {
    const path = await this.#makeRoom(name);
    const file = await open(this.#absolute(path), 'wx', 0o600);
    try {
      await writeFile(file, content);
      if (this.#ownership) await file.chown(attributes.uid, attributes.gid);
      // After chown, which takes setuid away.
      await file.chmod(attributes.mode);
      await file.utimes(attributes.mtime, attributes.mtime);
    } finally {
      await file.close();
    }
  }

  async symlink(name: string, target: string, attributes: Attributes): Promise<void> {
    if (target === '' || target.includes('\0'))
      throw broken(`${name} is a symbolic link without a valid target`);
    const path = this.#absolute(await this.#makeRoom(name));
    await symlink(target, path);
    if (this.#ownership) await lchown(path, attributes.uid, attributes.gid);
    await lutimes(path, attributes.mtime, attributes.mtime);
  }

  async hardLink(name: string, target: string): Promise<void> {
    const targetPath = await this.#resolver.find(target);
    const kind = targetPath === undefined ? 'nothing' : await this.#kindOf(targetPath);
    if (targetPath === undefined || kind === 'nothing')
      throw broken(`${name} is a hard link to ${target}, which is not in the layer before it`);
    if (kind === 'directory') throw broken(`${name} is a hard link to the directory ${target}`);
    if ((await this.#resolve(name)) === targetPath) return;
    const path = await this.#makeRoom(name);
    // link(2) does not follow a symbolic link at the end, so this stays inside.
    await link(this.#absolute(targetPath), this.#absolute(path));
  }

  /** Hides `hidden` of lower layers in the directory; does not touch what this layer puts there. */
  async whiteout(directory: string, hidden: string): Promise<void> {
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw broken(`${directory}/.wh.${hidden} hides nothing`);
    const parent = await this.#resolver.directory(directory);
    this.#whiteouts.add(parent === '' ? hidden : `${parent}/${hidden}`);
  }

  /** Hides everything that lower layers have in the directory. */
  async opaque(directory: string): Promise<void> {
    this.#opaque.add(await this.#resolver.directory(directory));
  }

  /** Writes what could not be written on the way: marks for overlayfs, then the attributes of directories. */
  async finish(): Promise<void> {
    await writeOverlayMarks(this.#root, await this.#marks());
    const deepestFirst = [...this.#directories].sort(([a], [b]) => partsOf(b).length - partsOf(a).length);
    for (const [path, attributes] of deepestFirst) await this.#applyToDirectory(path, attributes);
  }

  async #marks(): Promise<OverlayMarks> {
    const opaque = new Set(this.#opaque);
    const whiteouts: string[] = [];
    for (const path of this.#whiteouts) {
      const kind = await this.#kindOf(path);
      if (kind === 'nothing') whiteouts.push(path);
      // The layer removes what was there and makes a new directory: the old content must not shine through.
      if (kind === 'directory') opaque.add(path);
    }
    return { whiteouts, opaqueDirectories: [...opaque] };
  }

  async #applyToDirectory(path: string, { uid, gid, mode, mtime }: Attributes): Promise<void> {
    const absolute = this.#absolute(path);
    if (this.#ownership) await chown(absolute, uid, gid);
    await chmod(absolute, mode);
    await utimes(absolute, mtime, mtime);
  }

  async #makeImplicitDirectory(path: string): Promise<void> {
    await mkdir(this.#absolute(path), 0o700);
    this.#directories.set(path, implicitDirectory);
  }

  /** The path below root that a name stands for, its last part not followed. */
  async #resolve(name: string): Promise<string> {
    const parts = partsOf(name);
    if (parts.length === 0) throw broken(`${JSON.stringify(name)} is not a name for a file`);
    const parent = await this.#resolver.directory(parentOf(parts));
    return parent === '' ? baseOf(parts) : `${parent}/${baseOf(parts)}`;
  }

  async #makeRoom(name: string): Promise<string> {
    const path = await this.#resolve(name);
    if ((await this.#kindOf(path)) !== 'nothing') await this.#remove(path);
    return path;
  }

  async #remove(path: string): Promise<void> {
    await rm(this.#absolute(path), { recursive: true, force: true });
    // What was noted about paths below it would be applied through whatever takes its place, maybe a symbolic link.
    this.#resolver.forget();
    for (const noted of [this.#directories, this.#opaque, this.#whiteouts])
      for (const key of noted.keys()) if (key === path || key.startsWith(`${path}/`)) noted.delete(key);
  }

  async #kindOf(path: string): Promise<'directory' | 'other' | 'nothing'> {
    const stats = await lstat(this.#absolute(path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (stats === undefined) return 'nothing';
    return stats.isDirectory() ? 'directory' : 'other';
  }

  #absolute(path: string): string {
    return join(this.#root, path);
  }
}

const implicitDirectory: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };

function broken(what: string): FsbError {
  return new FsbError('invalid_argument', what);
}
