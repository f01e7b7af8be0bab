import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { FsbError } from '../../model/failure/errors.ts';
import { baseOf, bytesOfPath, detached, fsPath, partsOf, shown } from '../../tar/byte-path.ts';
import type { ByteText, ContentSink, TarEntry } from '../../tar/entry.ts';
import { FileSink, SparseSink } from '../../tar/file-sink.ts';
import { nodeTime } from '../../tar/times.ts';
import type { UnpackBudget } from './budget.ts';
import { devicesIn } from './devices.ts';
import { type Attributes, DirectoryNode, type NodeDevice } from './directory-node.ts';
import { NameResolver, type Place, pathOf } from './name-resolver.ts';
import { LayerNotes } from './notes.ts';

/**
 * A directory that a layer is unpacked into, as overlayfs wants a lower directory. Whatever names it is given, nothing
 * outside of it is read or written; nobody else may write in it meanwhile. Synchronous: meant for a thread of its own,
 * where waiting for each call in turn is several times faster than asking Node's thread pool.
 */
export class LayerTree {
  readonly #directory: ByteText;
  /** Only root can give files away; for others every file is their own. */
  readonly #ownership: boolean;
  readonly #notes: LayerNotes;
  readonly #resolver: NameResolver;
  readonly root = new DirectoryNode(undefined, '');

  /** @throws internal when the directory has something in it: it might be a link */
  constructor(directory: string, ownership: boolean, budget: UnpackBudget) {
    this.#directory = bytesOfPath(directory);
    this.#ownership = ownership;
    this.#notes = new LayerNotes(budget.shared.limits.memory);
    this.#resolver = new NameResolver(this.#directory, this.root, budget, (parent, base) =>
      this.#mkdir(parent, base),
    );
    if (readdirSync(directory).length > 0)
      throw new FsbError('internal', `cannot unpack a layer into ${directory}: it is not empty`);
  }

  directory(name: ByteText, attributes: Attributes, xattrs: Map<string, Buffer>): void {
    const node = this.#directoryAt(name);
    node.attributes = attributes;
    node.notes = this.#notes.of(xattrs);
  }

  file(name: ByteText, attributes: Attributes, entry: TarEntry, xattrs: Map<string, Buffer>): ContentSink {
    const { parent, base } = this.#place(name);
    const path = this.#absolute(parent.pathOf(base));
    const open = (): FileSink => new FileSink(path, attributes, this.#ownership);
    const file = this.#making(parent, base, open);
    this.#notes.put(parent, base, this.#notes.of(xattrs));
    return entry.segments === undefined ? file : new SparseSink(file, entry);
  }

  symlink(name: ByteText, target: ByteText, attributes: Attributes, xattrs: Map<string, Buffer>): void {
    if (target === '' || target.includes('\0')) throw broken('it is a symbolic link without a valid target');
    const { parent, base } = this.#place(name);
    const path = this.#absolute(parent.pathOf(base));
    this.#making(parent, base, () => symlinkSync(fsPath(target), path));
    if (this.#ownership) lchownSync(path, attributes.uid, attributes.gid);
    const time = nodeTime(attributes.mtime);
    lutimesSync(path, time, time);
    this.#notes.put(parent, base, this.#notes.of(xattrs));
  }

  hardLink(name: ByteText, target: ByteText): void {
    const from = this.#resolver.find(target);
    const stats = from && this.#statOf(from.parent.pathOf(from.base));
    if (stats === undefined && this.#notes.isLeftOut(pathOf(target, from))) {
      this.leaveOut(name);
      return;
    }
    if (from === undefined || stats === undefined)
      throw broken(`it is a hard link to ${shown(target)}, which is not in the layer before it`);
    if (stats.isDirectory()) throw broken(`it is a hard link to the directory ${shown(target)}`);
    const { parent, base } = this.#place(name);
    if (parent === from.parent && base === from.base) return;
    const source = from.parent.pathOf(from.base);
    // It would take away what it links to.
    if (source.startsWith(`${parent.pathOf(base)}/`)) throw broken('it is a hard link to what is below it');
    const notes = from.parent.fileNotes.get(from.base);
    // link(2) does not follow a symbolic link at the end, so this stays inside.
    this.#making(parent, base, () => linkSync(this.#absolute(source), this.#absolute(parent.pathOf(base))));
    // The same file: also when only one of its names is left, it has its attributes.
    this.#notes.put(parent, base, notes);
  }

  /** Its place is taken by an empty file until the end. */
  device(name: ByteText, device: NodeDevice, xattrs: Map<string, Buffer>): void {
    const { parent, base } = this.#place(name);
    const path = this.#absolute(parent.pathOf(base));
    this.#making(parent, base, () => new FileSink(path, device.owner, false)).abandon();
    this.#notes.put(parent, base, { ...this.#notes.of(xattrs), device });
  }

  /** A thing that is not made. What an earlier entry has put there goes all the same. */
  leaveOut(name: ByteText): void {
    const place = this.#resolver.find(name);
    if (place !== undefined) this.#remove(place);
    this.#notes.leaveOut(pathOf(name, place));
  }

  /** Hides `hidden` of lower layers in the directory; does not touch what this layer puts there. */
  whiteout(directory: string[], hidden: string): void {
    this.#notes.whiteout(this.#resolver.directory(directory), hidden);
  }

  /** Hides everything that lower layers have in the directory. */
  opaque(directory: string[]): void {
    this.#resolver.directory(directory).opaque = true;
  }

  /** @returns whether something is there, whatever it is */
  has(path: ByteText): boolean {
    return this.#statOf(path) !== undefined;
  }

  /** Links devices, and sets the attributes of directories. To be called when nothing more is written, and marks are put. */
  finish(): void {
    for (const { path, linkedTo } of devicesIn(this.root)) {
      if (linkedTo === undefined) continue;
      rmSync(this.#absolute(path));
      linkSync(this.#absolute(linkedTo), this.#absolute(path));
    }
    for (const { path, attributes } of this.root.deepestFirst()) {
      const absolute = this.#absolute(path);
      if (this.#ownership) chownSync(absolute, attributes.uid, attributes.gid);
      chmodSync(absolute, attributes.mode);
      const time = nodeTime(attributes.mtime);
      utimesSync(absolute, time, time);
    }
  }

  #directoryAt(name: ByteText): DirectoryNode {
    const parts = partsOf(name);
    if (parts.length === 0) return this.root;
    const { parent, base } = this.#place(name);
    const existing = parent.directories.get(base);
    if (existing !== undefined) return existing;
    return this.#making(parent, base, () => this.#mkdir(parent, base));
  }

  #mkdir(parent: DirectoryNode, name: string): DirectoryNode {
    const base = detached(name);
    const path = parent.pathOf(base);
    this.#notes.directory(path);
    mkdirSync(this.#absolute(path), 0o700);
    const node = new DirectoryNode(parent, path);
    parent.directories.set(base, node);
    return node;
  }

  /** Where a name leads, its last part not followed. */
  #place(name: ByteText): Place {
    const parts = partsOf(name);
    if (parts.length === 0) throw broken(`${JSON.stringify(shown(name))} is not a name for a file`);
    return { parent: this.#resolver.directory(parts.slice(0, -1)), base: baseOf(parts) };
  }

  /** Makes something new; what an earlier entry has put there goes. */
  #making<T>(parent: DirectoryNode, base: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    this.#remove({ parent, base });
    return make();
  }

  #remove({ parent, base }: Place): void {
    this.#resolver.forget();
    parent.directories.delete(base);
    parent.fileNotes.delete(base);
    rmSync(this.#absolute(parent.pathOf(base)), { recursive: true, force: true });
  }

  #statOf(path: ByteText): Stats | undefined {
    return lstatSync(this.#absolute(path), { throwIfNoEntry: false });
  }

  #absolute(path: ByteText): string | Buffer {
    return fsPath(`${this.#directory}/${path}`);
  }
}

const broken = (what: string): FsbError => new FsbError('invalid_argument', what);
