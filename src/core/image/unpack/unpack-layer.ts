import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { partsOf } from '../../tar/byte-path.ts';
import type { ContentSink, TarEntry } from '../../tar/entry.ts';
import { TarReader, type TarVisitor } from '../../tar/reader.ts';
import type { Launch } from '../launch.ts';
import { UnpackBudget } from './budget.ts';
import type { Attributes, NodeDevice } from './directory-node.ts';
import { LayerTree } from './layer-tree.ts';
import { marksOf } from './marks.ts';
import { putMarks } from './put-marks.ts';
import { unpackError } from './unpack-error.ts';

export interface UnpackOptions {
  launch: Launch;
  /** Of its image; one of its own with the usual limits when absent. */
  budget?: UnpackBudget;
  /** Also device nodes. */
  devices?: boolean;
  signal?: AbortSignal;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Bookkeeping of aufs, which old images have; means nothing to others. */
const AUFS = '.wh..wh.';

const NODE_TYPES = { fifo: 0o010_000, 'character-device': 0o020_000, 'block-device': 0o060_000 };

/**
 * Unpacks the plain tar of a layer into an empty directory that nobody else uses; nor is `<root>.marks` anybody's.
 *
 * Kept: files (sparse ones, too), directories, hard and symbolic links, FIFOs, owners, modes, times, extended attributes
 * but those that mean something to overlayfs or a security module. Devices only when asked: an instance has its own /dev.
 * It keeps its thread busy: see Unpacker for one beside the core's own.
 * @returns bytes of the files in it
 * @throws invalid_argument (a broken or hostile tar, or over the limits), unsupported (what nobody knows), no_capacity
 */
export async function unpackLayer(
  source: AsyncIterable<Buffer>,
  root: string,
  options: UnpackOptions,
): Promise<number> {
  const { signal, launch, budget = UnpackBudget.of() } = options;
  const tree = new LayerTree(root, process.getuid?.() === 0, budget);
  const visitor = new LayerVisitor(tree, budget, options.devices ?? false);
  const reader = new TarReader(visitor);
  try {
    for await (const chunk of source) {
      throwIfAborted(signal);
      budget.takeRead(chunk.length);
      reader.push(chunk);
    }
    throwIfAborted(signal);
    reader.end();
    visitor.name = '';
    await putMarks(launch, root, marksOf(tree), signal);
    tree.finish();
    return visitor.size;
  } catch (error) {
    throw unpackError(error, visitor.name);
  } finally {
    reader.close();
  }
}

/** Puts each entry where it belongs. */
class LayerVisitor implements TarVisitor {
  /** Of the entry that it is at. */
  name = '';
  /** Bytes of the files so far. */
  size = 0;
  readonly #tree: LayerTree;
  readonly #budget: UnpackBudget;
  readonly #devices: boolean;

  constructor(tree: LayerTree, budget: UnpackBudget, devices: boolean) {
    this.#tree = tree;
    this.#budget = budget;
    this.#devices = devices;
  }

  header(): void {
    this.#budget.takeEntry();
  }

  entry(entry: TarEntry): ContentSink | undefined {
    this.name = entry.name;
    const parts = partsOf(entry.name);
    if (!entry.name.includes(WHITEOUT)) return this.#thing(entry);
    if (parts.some((part) => part.startsWith(AUFS) && part !== OPAQUE)) return undefined;
    const base = parts.pop() ?? '';
    if (parts.some((part) => part.startsWith(WHITEOUT))) throw broken('a whiteout is no directory');
    if (!base.startsWith(WHITEOUT)) return this.#thing(entry);
    if (base === OPAQUE) this.#tree.opaque(parts);
    else this.#tree.whiteout(parts, base.slice(WHITEOUT.length));
    return undefined;
  }

  #thing(entry: TarEntry): ContentSink | undefined {
    const { name, type, attributes: kept } = entry;
    switch (type) {
      case 'file':
        this.#budget.takeWritten(entry.size);
        this.size += entry.size;
        return this.#tree.file(name, entry, entry, kept);
      case 'directory':
        this.#tree.directory(name, attributesOf(entry), kept);
        return undefined;
      case 'symlink':
        this.#tree.symlink(name, entry.linkname, entry, kept);
        return undefined;
      case 'link':
        this.#tree.hardLink(name, entry.linkname);
        return undefined;
      default:
        if (type === 'fifo' || (this.#devices && !isWhiteout(entry)))
          this.#tree.device(name, deviceOf(entry, NODE_TYPES[type]), kept);
        else this.#tree.leaveOut(name);
        return undefined;
    }
  }
}

/** To overlayfs. In a tar it means nothing, and it must not hide anything. */
const isWhiteout = ({ type, devmajor, devminor }: TarEntry): boolean =>
  type === 'character-device' && devmajor === 0 && devminor === 0;

/** Without all else that an entry has, for what is kept until the end. */
const attributesOf = ({ mode, uid, gid, mtime }: TarEntry): Attributes => ({ mode, uid, gid, mtime });

function deviceOf(entry: TarEntry, type: number): NodeDevice {
  const { devmajor, devminor } = entry;
  const isFifo = type === NODE_TYPES.fifo;
  if (!isFifo && !(devmajor >= 0 && devmajor <= 0xfff && devminor >= 0 && devminor <= 0xf_ff_ff))
    throw broken(`it is a device with the numbers ${devmajor}, ${devminor}`);
  return {
    mode: type | entry.mode,
    major: isFifo ? 0 : devmajor,
    minor: isFifo ? 0 : devminor,
    owner: attributesOf(entry),
  };
}

const broken = (why: string): FsbError => new FsbError('invalid_argument', why);
