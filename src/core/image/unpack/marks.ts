import type { ByteText } from '../../tar/entry.ts';
import { devicesIn } from './devices.ts';
import type { DirectoryNode, NodeDevice, Notes } from './directory-node.ts';
import type { LayerTree } from './layer-tree.ts';

/** As guest/launch/mark.h has them. */
const KIND = { end: 0, whiteout: 1, opaque: 2, node: 3, attribute: 4 } as const;

interface Mark {
  kind: (typeof KIND)[keyof typeof KIND];
  path: ByteText;
  device?: NodeDevice;
  name?: string;
  value?: Buffer;
}

/**
 * What is to be put on a layer at its end, encoded. Whiteouts and devices first: making them changes times of directories,
 * and attributes of a directory (default ACLs) would go over to them.
 */
export function* marksOf(tree: LayerTree): Generator<Buffer> {
  for (const node of tree.root.deepestFirst())
    for (const mark of whiteoutsIn(tree, node)) yield encoded(mark);
  for (const { path, device, linkedTo } of devicesIn(tree.root))
    if (linkedTo === undefined) yield encoded({ kind: KIND.node, path, device });
  for (const node of tree.root.deepestFirst()) for (const mark of notesIn(node)) yield encoded(mark);
}

/** So that the other side knows that nothing was cut off. */
export const endOfMarks = (): Buffer => encoded({ kind: KIND.end, path: '' });

function* whiteoutsIn(tree: LayerTree, node: DirectoryNode): Generator<Mark> {
  for (const hidden of node.whiteouts) {
    const path = node.pathOf(hidden);
    // The layer removes what was there and makes a new directory: the old content must not shine through.
    if (node.directories.has(hidden)) node.directories.get(hidden)!.opaque = true;
    else if (!tree.has(path)) yield { kind: KIND.whiteout, path };
  }
}

function* notesIn(node: DirectoryNode): Generator<Mark> {
  const path = node.path === '' ? '.' : node.path;
  for (const [base, notes] of node.fileNotes) yield* notesOf(node.pathOf(base), notes);
  if (node.opaque) yield { kind: KIND.opaque, path };
  if (node.notes !== undefined) yield* notesOf(path, node.notes);
}

function* notesOf(path: ByteText, { attributes = new Map() }: Notes): Generator<Mark> {
  for (const [name, value] of attributes) yield { kind: KIND.attribute, path, name, value };
}

function encoded({ kind, path, device, name = '', value }: Mark): Buffer {
  const time = device?.owner.mtime;
  const numbers = [device?.mode, device?.major, device?.minor, device?.owner.uid, device?.owner.gid];
  const head = Buffer.alloc(4 + 1 + 5 * 4 + 8 + 4);
  let at = head.writeUInt8(kind, 4);
  for (const number of numbers) at = head.writeUInt32LE(number ?? 0, at);
  at = head.writeBigInt64LE(BigInt(time?.seconds ?? 0), at);
  head.writeUInt32LE(time?.nanoseconds ?? 0, at);
  const pathLength = Buffer.alloc(2);
  pathLength.writeUInt16LE(path.length);
  const parts = [
    head,
    pathLength,
    Buffer.from(path, 'latin1'),
    Buffer.from([name.length]),
    Buffer.from(name, 'latin1'),
  ];
  const mark = Buffer.concat(value === undefined ? parts : [...parts, value]);
  mark.writeUInt32LE(mark.length - 4);
  return mark;
}
