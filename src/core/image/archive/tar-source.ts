import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { compressionOf, decompressed } from '../bytes/decompress.ts';
import { whileRoom } from '../content/room.ts';
import { type ArchiveSource, missing, normalName } from './source.ts';

type Member = { kind: 'file'; start: number; size: number } | { kind: 'link'; target: string };

const MOST_MEMBERS = 200_000;
const LARGEST_PLAIN = 256 * 1024 ** 3;
// docker save links a layer that occurs twice to the first one; nobody links further than that.
const MOST_LINKS = 8;

/**
 * A tar, read once to learn where its members are; after that each is read from its place. A compressed one is
 * decompressed into `staging` first, because there is no way to seek in it.
 */
export class TarSource implements ArchiveSource {
  readonly #path: string;
  readonly #isTemporary: boolean;
  readonly #members: Map<string, Member>;
  readonly #signal?: AbortSignal;

  private constructor(
    path: string,
    isTemporary: boolean,
    members: Map<string, Member>,
    signal?: AbortSignal,
  ) {
    this.#path = path;
    this.#isTemporary = isTemporary;
    this.#members = members;
    this.#signal = signal;
  }

  /** @param signal ends every read from it, too. @throws invalid_argument when it is no tar */
  static async open(path: string, staging: string, signal?: AbortSignal): Promise<TarSource> {
    if ((await compressionOfFile(path)) === 'none')
      return new TarSource(path, false, await membersOf(path, signal), signal);
    const plain = join(staging, `archive-${crypto.randomUUID()}`);
    const compressed = createReadStream(path);
    try {
      const source = whileRoom(limited(decompressed(compressed, 'the file')), staging);
      await pipeline(source, createWriteStream(plain, { flags: 'wx', mode: 0o600 }), { signal });
      return new TarSource(plain, true, await membersOf(plain, signal), signal);
    } catch (error) {
      await rm(plain, { force: true });
      throw error;
    } finally {
      // A generator that was never started closes nothing.
      compressed.destroy();
    }
  }

  async has(name: string): Promise<boolean> {
    return this.#find(name) !== undefined;
  }

  async topLevel(): Promise<string[]> {
    return [...new Set([...this.#members.keys()].map((name) => name.split('/')[0]!))];
  }

  async sizeOf(name: string): Promise<number> {
    return this.#member(name).size;
  }

  async open(name: string, offset = 0): Promise<Readable> {
    const { start, size } = this.#member(name);
    // An empty range cannot be said with an inclusive end.
    if (offset >= size) return Readable.from([]);
    const range = { start: start + offset, end: start + size - 1 };
    return createReadStream(this.#path, { ...range, signal: this.#signal });
  }

  async close(): Promise<void> {
    if (this.#isTemporary) await rm(this.#path, { force: true });
  }

  #member(name: string): { start: number; size: number } {
    const member = this.#find(name);
    if (member === undefined) throw missing(name);
    return member;
  }

  #find(name: string): { start: number; size: number } | undefined {
    let wanted = normalName(name);
    for (let links = 0; wanted !== undefined && links <= MOST_LINKS; links++) {
      const member = this.#members.get(wanted);
      if (member?.kind !== 'link') return member;
      wanted = normalName(member.target);
    }
    return undefined;
  }
}

async function membersOf(path: string, signal?: AbortSignal): Promise<Map<string, Member>> {
  const extract = tar.extract();
  const feeding = pipeline(createReadStream(path), extract, { signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const members = new Map<string, Member>();
  try {
    for await (const entry of extract) {
      throwIfAborted(signal);
      if (members.size >= MOST_MEMBERS)
        throw new FsbError('invalid_argument', `it has more than ${MOST_MEMBERS} files`);
      addMember(members, entry.header as PlacedHeader);
      entry.resume();
    }
    const failure = await feeding;
    if (failure !== undefined) throw failure;
    return members;
  } catch (error) {
    extract.destroy();
    await feeding;
    if (error instanceof FsbError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new FsbError('invalid_argument', 'it is no tar archive, or a damaged one', { cause: error });
  }
}

/** tar-stream says where the content starts; its types do not. */
type PlacedHeader = tar.Header & { byteOffset: number };

function addMember(
  members: Map<string, Member>,
  { name, type, linkname, byteOffset, size }: PlacedHeader,
): void {
  const normal = normalName(name);
  if (normal === undefined) return;
  if (type === 'file') members.set(normal, { kind: 'file', start: byteOffset, size });
  if (type === 'link') members.set(normal, { kind: 'link', target: linkname });
  if (type === 'symlink')
    members.set(normal, { kind: 'link', target: posix.join(posix.dirname(normal), linkname) });
}

async function compressionOfFile(path: string): Promise<'gzip' | 'zstd' | 'none'> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return compressionOf(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

async function* limited(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = LARGEST_PLAIN;
  for await (const chunk of source) {
    left -= chunk.length;
    if (left < 0) throw new FsbError('invalid_argument', `it unpacks to more than ${LARGEST_PLAIN} bytes`);
    yield chunk;
  }
}
