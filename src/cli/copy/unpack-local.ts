import { chmodSync, chownSync, lchownSync, lutimesSync, symlinkSync, utimesSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import { bytesOfPath, detached, partsOf, shown } from '../../core/tar/byte-path.ts';
import type { ByteText, ContentSink, TarEntry } from '../../core/tar/entry.ts';
import { FileSink } from '../../core/tar/file-sink.ts';
import { TarReader, type TarVisitor } from '../../core/tar/reader.ts';
import { nodeTime } from '../../core/tar/times.ts';
import { printable } from '../output/output.ts';
import { attemptOn } from './local-files.ts';
import { LocalTree, type Spot } from './local-tree.ts';
import type { CopyPlan } from './plan.ts';

export interface UnpackOptions {
  /** What all names must begin with; `.`: they are the content of a directory. */
  base: string;
  plan: CopyPlan;
  /** Keep owners, setuid and setgid; else everything is the caller's. */
  owners: boolean;
  note: (text: string) => void;
  copied: (bytes: number) => void;
}

/** Permissions without what would run as somebody else. */
const PLAIN = 0o1777;

/**
 * Puts what a sandbox sends, a tar, below a directory here. A sandbox may send anything: nothing outside of the
 * directory is touched, and within it only what was asked for.
 * Every method throws an FsbError for what cannot be put there, or should not be.
 */
export class LocalUnpacker implements TarVisitor {
  readonly #options: UnpackOptions;
  readonly #tree: LocalTree;
  readonly #reader: TarReader;
  /** A directory's mode may forbid to write in it, and writing changes its time: both come last. */
  readonly #directories = new Map<ByteText, DirectoryAttributes>();

  constructor(options: UnpackOptions) {
    this.#options = options;
    this.#tree = new LocalTree(options.plan.directory);
    this.#reader = new TarReader(this);
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** All was pushed. */
  end(): void {
    this.#reader.end();
  }

  /** Lets go of what is open, and finishes the directories that are there. */
  close(): void {
    this.#reader.close();
    try {
      this.#finishDirectories();
    } finally {
      this.#tree.close();
    }
  }

  header(): void {}

  entry(entry: TarEntry): ContentSink | undefined {
    const parts = this.#partsOf(entry.name);
    if (parts.length === 0) return undefined;
    const spot = this.#tree.spot(parts);
    switch (entry.type) {
      case 'file':
        return this.#file(spot, entry);
      case 'directory':
        this.#tree.makeDirectory(spot);
        this.#directories.set(detached(parts.join('/')), attributesOf(entry));
        return undefined;
      case 'symlink':
        return this.#symlink(spot, entry);
      case 'link':
        this.#tree.link(this.#partsOf(entry.linkname), parts);
        return undefined;
      default:
        this.#options.note(`left out ${entry.type} ${spot.name}`);
        return undefined;
    }
  }

  /** Below the directory of the plan. @throws internal for a name that was not asked for */
  #partsOf(name: ByteText): ByteText[] {
    const { base, plan } = this.#options;
    const parts = partsOf(name);
    if (base !== '.' && parts.shift() !== bytesOfPath(base))
      throw new FsbError('internal', `the sandbox sent ${printable(shown(name))}, which was not asked for`, {
        hint: 'Something in the sandbox may be hostile.',
      });
    return plan.name === '.' ? parts : [bytesOfPath(plan.name), ...parts];
  }

  #file(spot: Spot, entry: TarEntry): ContentSink {
    if (entry.segments !== undefined)
      throw new FsbError('internal', `the sandbox sent ${spot.name} as a sparse file, which it never does`);
    const { owners, copied } = this.#options;
    this.#tree.clear(spot);
    const attributes = { ...entry, mode: this.#modeOf(entry) };
    const sink = attemptOn('make', spot.name, () => new FileSink(spot.at, attributes, owners));
    const write = (act: () => void): void => attemptOn('write', spot.name, act);
    return {
      write: (bytes) => {
        write(() => sink.write(bytes));
        copied(bytes.length);
      },
      end: () => write(() => sink.end()),
      abandon: () => sink.abandon(),
    };
  }

  #symlink(spot: Spot, { linkname, uid, gid, mtime }: TarEntry): undefined {
    this.#tree.clear(spot);
    const time = nodeTime(mtime);
    const { at, name } = spot;
    attemptOn('make link', name, () => {
      symlinkSync(Buffer.from(linkname, 'latin1'), at);
      if (this.#options.owners) lchownSync(at, uid, gid);
      lutimesSync(at, time, time);
    });
  }

  /** The inner ones first: an outer one may let nobody in any more. */
  #finishDirectories(): void {
    const found = [...this.#directories].map(([path, attributes]) => ({
      parts: path.split('/'),
      attributes,
    }));
    this.#directories.clear();
    for (const { parts, attributes } of found.sort((a, b) => b.parts.length - a.parts.length))
      this.#finishDirectory(parts, attributes);
  }

  #finishDirectory(parts: ByteText[], { uid, gid, mode, mtime }: DirectoryAttributes): void {
    const time = nodeTime(mtime);
    this.#tree.changeDirectory(this.#tree.spot(parts), (path) => {
      if (this.#options.owners) chownSync(path, uid, gid);
      chmodSync(path, this.#modeOf({ mode }));
      utimesSync(path, time, time);
    });
  }

  #modeOf({ mode }: Pick<TarEntry, 'mode'>): number {
    return this.#options.owners ? mode : mode & PLAIN;
  }
}

/** Nothing else of an entry may be kept: its extended attributes can have a megabyte. */
type DirectoryAttributes = Pick<TarEntry, 'uid' | 'gid' | 'mode' | 'mtime'>;

const attributesOf = ({ uid, gid, mode, mtime }: TarEntry): DirectoryAttributes => ({
  uid,
  gid,
  mode,
  mtime,
});
