import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { type Attributes, LayerTree } from './layer-tree.ts';
import { baseOf, parentOf, partsOf } from './name-resolver.ts';

/** What one layer may have at most; a small compressed file can hold a disk full of zeros. */
export interface UnpackLimits {
  entries: number;
  /** Of the plain tar. */
  bytes: number;
}

const defaultLimits: UnpackLimits = { entries: 2_000_000, bytes: 64 * 1024 ** 3 };

/** tar-stream says where the content starts; its types do not. */
type Header = tar.Header & { pax?: Record<string, string>; byteOffset: number };

const BLOCK = 512;

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Bookkeeping of aufs, which old images have; means nothing to others. */
const AUFS = '.wh..wh.';

/**
 * Unpacks the plain tar of a layer into an empty directory that nobody else uses.
 *
 * Kept: files, directories, hard and symbolic links, owners, modes, times. Left out: devices and FIFOs (an instance
 * has its own /dev), and extended attributes (file capabilities mean nothing under no_new_privs).
 * @returns bytes of the files in it
 * @throws invalid_argument (a broken or hostile tar, or over the limits), unsupported (sparse files), no_capacity
 */
export async function unpackLayer(
  source: AsyncIterable<Buffer>,
  root: string,
  limits: UnpackLimits = defaultLimits,
  signal?: AbortSignal,
): Promise<number> {
  const tree = new LayerTree(root, process.getuid?.() === 0);
  const extract = tar.extract();
  const read = { bytes: 0 };
  const feeding = pipeline(Readable.from(wholeBlocks(source, limits.bytes, read)), extract).then(
    () => undefined,
    (error: unknown) => error,
  );
  let entries = 0;
  let size = 0;
  let end = 0;
  let name = '';
  try {
    for await (const entry of extract) {
      throwIfAborted(signal);
      entries += 1;
      if (entries > limits.entries) throw broken(`it has more than ${limits.entries} entries`);
      name = entry.header.name;
      end = endOf(entry.header as Header);
      size += await unpackEntry(tree, entry.header as Header, entry as AsyncIterable<Buffer>);
      entry.resume();
    }
    const failure = await feeding;
    if (failure !== undefined) throw failure;
    if (end > read.bytes) throw broken('the layer ends in the middle of it');
    name = '';
    await tree.finish();
    return size;
  } catch (error) {
    extract.destroy();
    const failure = await feeding;
    // When the source fails in the middle of a file, the file only knows that its stream went away.
    const isConsequence = (error as NodeJS.ErrnoException).code === 'STREAM_DESTROYED';
    throw unpackError(isConsequence ? (failure ?? error) : error, name);
  }
}

/** @returns bytes that it takes */
async function unpackEntry(tree: LayerTree, header: Header, content: AsyncIterable<Buffer>): Promise<number> {
  const parts = partsOf(header.name);
  if (parts.some((part) => part.startsWith(AUFS) && part !== OPAQUE)) return 0;
  if (parts.slice(0, -1).some((part) => part.startsWith(WHITEOUT)))
    throw broken('a whiteout is no directory');
  const base = baseOf(parts);
  if (base === OPAQUE) await tree.opaque(parentOf(parts));
  else if (base.startsWith(WHITEOUT)) await tree.whiteout(parentOf(parts), base.slice(WHITEOUT.length));
  else return unpackThing(tree, header, content);
  return 0;
}

async function unpackThing(tree: LayerTree, header: Header, content: AsyncIterable<Buffer>): Promise<number> {
  const attributes = attributesOf(header);
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) throw sparse();
      await tree.file(header.name, attributes, content);
      return header.size ?? 0;
    case 'directory':
      await tree.directory(header.name, attributes);
      return 0;
    case 'symlink':
      await tree.symlink(header.name, header.linkname ?? '', attributes);
      return 0;
    case 'link':
      await tree.hardLink(header.name, header.linkname ?? '');
      return 0;
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return 0;
    default:
      throw sparse();
  }
}

/** Where the content ends in the tar; only files have one, whatever the header says. */
function endOf({ type, byteOffset, size }: Header): number {
  return type === 'file' || type === 'contiguous-file' ? byteOffset + size : byteOffset;
}

function attributesOf({ mode, uid, gid, mtime, pax }: Header): Attributes {
  return {
    mode: (mode ?? 0o644) & 0o7777,
    uid: ownerOf(pax?.uid ?? uid),
    gid: ownerOf(pax?.gid ?? gid),
    mtime: secondsOf(pax?.mtime ?? (mtime?.getTime() ?? 0) / 1000),
  };
}

function ownerOf(value: string | number | undefined): number {
  const id = Number(value ?? 0);
  // 2^32 - 1 means "leave it as it is" to chown.
  if (Number.isInteger(id) && id >= 0 && id < 0xff_ff_ff_ff) return id;
  throw broken(`${value} is no user or group`);
}

function secondsOf(value: string | number): number {
  const seconds = Number(value);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 2 ** 34) : 0;
}

/**
 * The tar with its last block filled up, as some builders leave it (umoci); Go's reader and so docker's accept that.
 * `read.bytes` is what there was really.
 */
async function* wholeBlocks(
  source: AsyncIterable<Buffer>,
  bytes: number,
  read: { bytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    read.bytes += chunk.length;
    if (read.bytes > bytes) throw broken(`it unpacks to more than ${bytes} bytes`);
    yield chunk;
  }
  const missing = (BLOCK - (read.bytes % BLOCK)) % BLOCK;
  if (missing > 0) yield Buffer.alloc(missing);
}

const broken = (why: string): FsbError => new FsbError('invalid_argument', why);

const sparse = (): FsbError =>
  new FsbError('unsupported', 'it is a sparse file or of an unknown kind', {
    hint: 'Rebuild the image without it.',
  });

/** Names the entry, and tells a full disk from a broken layer. */
function unpackError(error: unknown, name: string): FsbError {
  const where = name === '' ? '' : ` at ${JSON.stringify(name)}`;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof FsbError) {
    if (error.code === 'cancelled' || error.code === 'timeout') return error;
    return new FsbError(error.code, `cannot unpack the layer${where}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
  if (error instanceof Error && error.name === 'AbortError') return FsbError.from(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FsbError('no_capacity', `cannot unpack the layer${where}: the disk is full`, {
      hint: 'Free room on it, or remove images: fsb-ctl image remove NAME',
      cause: error,
    });
  // tar-stream throws plain errors without a code.
  const ofTheTar =
    ((error as Error).constructor === Error && code === undefined) ||
    ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EILSEQ'].includes(String(code));
  return new FsbError(
    ofTheTar ? 'invalid_argument' : 'internal',
    `cannot unpack the layer${where}: ${message}`,
    {
      cause: error,
    },
  );
}
