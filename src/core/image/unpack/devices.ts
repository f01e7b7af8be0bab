import type { ByteText } from '../../tar/entry.ts';
import type { DirectoryNode, NodeDevice, Notes } from './directory-node.ts';

/** The places of devices and FIFOs in a layer. What was linked has the same notes: it is made once. */
export function* devicesIn(
  root: DirectoryNode,
): Generator<{ path: ByteText; device: NodeDevice; linkedTo?: ByteText }> {
  const made = new Map<Notes, ByteText>();
  for (const node of root.deepestFirst())
    for (const [base, notes] of node.fileNotes) {
      if (notes.device === undefined) continue;
      const path = node.pathOf(base);
      yield { path, device: notes.device, linkedTo: made.get(notes) };
      if (!made.has(notes)) made.set(notes, path);
    }
}
