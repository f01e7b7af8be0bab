import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { bytesOfPath, shown } from '../../core/tar/byte-path.ts';
import type { ByteText } from '../../core/tar/entry.ts';
import { encodeEntry, tarEnd, tarPadding, type WrittenEntry } from '../../core/tar/write-header.ts';
import { attempt, isMadeUp, kindOf } from './local-files.ts';
import { madeUpHere } from './nothing-there.ts';
import type { Kind } from './plan.ts';

/** As many bytes go out at once; many small files share them. */
const CHUNK = 256 * 1024;

export interface PackOptions {
  /** What it is called in the tar; `.`: the content of a directory. */
  name: string;
  /** Follow a symbolic link at the path itself. */
  follow: boolean;
  /** Keep the owners; else everything is root's. */
  owners: boolean;
  /** Told of what is left out. */
  note: (text: string) => void;
  /** Told of every bytes of content. */
  copied: (bytes: number) => void;
}

/**
 * A tar of what is at a path here.
 * @throws not_found, denied, conflict (a file became shorter meanwhile), internal (the kernel makes it up)
 */
export function packLocal(path: string, options: PackOptions): Generator<Buffer> {
  return new Packer(options).pack(bytesOfPath(path));
}

class Packer {
  readonly #options: PackOptions;
  #buffer = Buffer.allocUnsafe(CHUNK);
  #used = 0;
  /** The first name of each file that has several. */
  readonly #linked = new Map<string, ByteText>();

  constructor(options: PackOptions) {
    this.#options = options;
  }

  *pack(path: ByteText): Generator<Buffer> {
    const { name, follow } = this.#options;
    const look = follow ? statSync : lstatSync;
    const stats = attempt('copy', path, (at) => look(at, { bigint: true }));
    assertNotMadeUp(path, kindOf(stats));
    yield* this.#add(path, bytesOfPath(name), stats, follow);
    yield* this.#put(tarEnd());
    yield this.#buffer.subarray(0, this.#used);
  }

  *#add(path: ByteText, name: ByteText, stats: BigIntStats, follow = false): Generator<Buffer> {
    const kind = kindOf(stats);
    if (kind === 'directory') yield* this.#directory(path, name, stats);
    else if (kind === 'file' && !this.#isKnown(stats)) yield* this.#file(path, name, stats, follow);
    else if (kind === 'symlink' || kind === 'file') yield* this.#link(path, name, stats);
    else this.#options.note(`left out ${kind} ${shown(name)}`);
  }

  *#directory(path: ByteText, name: ByteText, stats: BigIntStats): Generator<Buffer> {
    yield* this.#header({ name: `${name}/`, type: 'directory' }, stats);
    // A tree may have one mounted: it stays empty, as on the way out of a sandbox.
    if (isMadeUp(path)) return;
    const names = attempt('read directory', path, (at) => readdirSync(at, { encoding: 'buffer' }));
    const prefix = path.endsWith('/') ? path : `${path}/`;
    for (const inner of names.map((bytes) => bytes.toString('latin1')).sort()) {
      const at = `${prefix}${inner}`;
      const found = attempt('copy', at, (path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
      // One that vanishes meanwhile was never there.
      if (found !== undefined) yield* this.#add(at, `${name}/${inner}`, found);
    }
  }

  /** As many bytes as the header says, whatever happens to the file meanwhile. */
  *#file(path: ByteText, name: ByteText, found: BigIntStats, follow: boolean): Generator<Buffer> {
    const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
    const flags = O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
    const descriptor = attempt('open', path, (at) => openSync(at, flags));
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      if (!stats.isFile()) throw changed(path, 'is no file any more');
      if (found.nlink > 1n) this.#linked.set(identity(found), name);
      const size = Number(stats.size);
      yield* this.#header({ name, type: 'file', size }, stats);
      yield* this.#content(descriptor, path, size);
      yield* this.#put(tarPadding(size));
    } finally {
      closeSync(descriptor);
    }
  }

  *#content(descriptor: number, path: ByteText, size: number): Generator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#used === CHUNK) yield* this.#flush();
      const length = Math.min(left, CHUNK - this.#used);
      const got = attempt('read', path, () => readSync(descriptor, this.#buffer, this.#used, length, null));
      if (got === 0) throw changed(path, 'became shorter');
      this.#used += got;
      left -= got;
      this.#options.copied(got);
    }
  }

  *#link(path: ByteText, name: ByteText, stats: BigIntStats): Generator<Buffer> {
    const first = this.#linked.get(identity(stats));
    if (first !== undefined) return yield* this.#header({ name, type: 'link', linkname: first }, stats);
    const target = attempt('read link', path, (at) => readlinkSync(at, { encoding: 'buffer' }));
    yield* this.#header({ name, type: 'symlink', linkname: target.toString('latin1') }, stats);
  }

  #isKnown(stats: BigIntStats): boolean {
    return stats.nlink > 1n && this.#linked.has(identity(stats));
  }

  *#header(
    entry: Pick<WrittenEntry, 'name' | 'type'> & Partial<WrittenEntry>,
    stats: BigIntStats,
  ): Generator<Buffer> {
    const { owners } = this.#options;
    const nanoseconds = stats.mtimeNs < 0n ? 0n : stats.mtimeNs;
    const header = encodeEntry({
      linkname: '',
      mode: Number(stats.mode) & 0o7777,
      uid: owners ? Number(stats.uid) : 0,
      gid: owners ? Number(stats.gid) : 0,
      size: 0,
      mtime: {
        seconds: Number(nanoseconds / 1_000_000_000n),
        nanoseconds: Number(nanoseconds % 1_000_000_000n),
      },
      ...entry,
    });
    yield* this.#put(header);
  }

  *#put(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === CHUNK) yield* this.#flush();
      const copied = bytes.copy(this.#buffer, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }

  *#flush(): Generator<Buffer> {
    yield this.#buffer.subarray(0, this.#used);
    // Whoever took it may keep it.
    this.#buffer = Buffer.allocUnsafe(CHUNK);
    this.#used = 0;
  }
}

const identity = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

/** @throws internal */
function assertNotMadeUp(path: ByteText, kind: Kind): void {
  if ((kind !== 'file' && kind !== 'directory') || !isMadeUp(path)) return;
  const at = shown(path);
  throw madeUpHere(at, kind === 'file' ? at : join(at, 'FILE'));
}

const changed = (path: ByteText, how: string): FsbError =>
  new FsbError('conflict', `${shown(path)} ${how} while it was copied`, {
    hint: 'Copy it again when nothing writes to it.',
  });
