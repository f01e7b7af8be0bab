import { chmodSync, lchownSync, linkSync, lutimesSync, symlinkSync, utimesSync } from 'node:fs';
import { FsbError } from '../../core/model/errors.ts';
import { bytesOfPath, partsOf } from '../../core/tar/byte-path.ts';
import type { ByteText, ContentSink, TarEntry } from '../../core/tar/entry.ts';
import { FileSink } from '../../core/tar/file-sink.ts';
import { TarReader, type TarVisitor } from '../../core/tar/reader.ts';
import { nodeTime } from '../../core/tar/times.ts';
import { attempt, fileError } from './local-files.ts';
import { LocalTree, named } from './local-tree.ts';
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
  readonly #directories: { path: ByteText; entry: TarEntry }[] = [];

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
    for (const { path, entry } of this.#directories.splice(0).reverse()) this.#finishDirectory(path, entry);
  }

  header(): void {}

  entry(entry: TarEntry): ContentSink | undefined {
    const parts = this.#partsOf(entry.name);
    if (parts.length === 0) return undefined;
    const path = this.#tree.placeOf(parts);
    switch (entry.type) {
      case 'file':
        return this.#file(path, entry);
      case 'directory':
        this.#tree.makeDirectory(path);
        this.#directories.push({ path, entry });
        return undefined;
      case 'symlink':
        return this.#symlink(path, entry);
      case 'link':
        return this.#link(path, entry);
      default:
        this.#options.note(`left out ${entry.type} ${named(path)}`);
        return undefined;
    }
  }

  /** Below the directory of the plan. @throws internal for a name that was not asked for */
  #partsOf(name: ByteText): ByteText[] {
    const { base, plan } = this.#options;
    const parts = partsOf(name);
    if (base !== '.' && parts.shift() !== bytesOfPath(base))
      throw new FsbError('internal', `the sandbox sent ${named(name)}, which was not asked for`, {
        hint: 'Something in the sandbox may be hostile.',
      });
    return plan.name === '.' ? parts : [bytesOfPath(plan.name), ...parts];
  }

  #file(path: ByteText, entry: TarEntry): ContentSink {
    if (entry.segments !== undefined)
      throw new FsbError('internal', `the sandbox sent ${named(path)} as a sparse file, which it never does`);
    const { owners, copied } = this.#options;
    this.#tree.clear(path);
    const attributes = { ...entry, mode: this.#modeOf(entry) };
    const sink = attempt('make', path, (at) => new FileSink(at, attributes, owners));
    const write = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        throw fileError('write', named(path), error);
      }
    };
    return {
      write: (bytes) => {
        write(() => sink.write(bytes));
        copied(bytes.length);
      },
      end: () => write(() => sink.end()),
      abandon: () => sink.abandon(),
    };
  }

  #symlink(path: ByteText, { linkname, uid, gid, mtime }: TarEntry): undefined {
    this.#tree.clear(path);
    const time = nodeTime(mtime);
    attempt('make link', path, (at) => {
      symlinkSync(Buffer.from(linkname, 'latin1'), at);
      if (this.#options.owners) lchownSync(at, uid, gid);
      lutimesSync(at, time, time);
    });
  }

  #link(path: ByteText, { linkname }: TarEntry): undefined {
    const target = this.#tree.fileAt(this.#partsOf(linkname));
    if (target === path) return;
    this.#tree.clear(path);
    attempt('make link', path, (at) => linkSync(Buffer.from(target, 'latin1'), at));
  }

  #finishDirectory(path: ByteText, entry: TarEntry): void {
    const time = nodeTime(entry.mtime);
    attempt('finish directory', path, (at) => {
      if (this.#options.owners) lchownSync(at, entry.uid, entry.gid);
      chmodSync(at, this.#modeOf(entry));
      utimesSync(at, time, time);
    });
  }

  #modeOf({ mode }: TarEntry): number {
    return this.#options.owners ? mode : mode & PLAIN;
  }
}
