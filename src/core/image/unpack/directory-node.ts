import type { ByteText, EntryTime } from '../../tar/entry.ts';

export interface Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  mtime: EntryTime;
}

/** A device or a FIFO, made at the end. */
export interface NodeDevice {
  /** With the type, as in stat. */
  mode: number;
  major: number;
  minor: number;
  owner: Attributes;
}

/** What Node.js cannot put on a file; `fsb-launch mark` does at the end. */
export interface Notes {
  attributes?: Map<string, Buffer>;
  device?: NodeDevice;
}

export const implicitDirectory: Attributes = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
};

/**
 * A directory of the layer. Nobody else writes there, so what has no node is no directory: a name is resolved without
 * asking the kernel about directories again and again, and whatever was noted about a directory goes with it.
 */
export class DirectoryNode {
  readonly parent: DirectoryNode | undefined;
  /** Below the root; '' is the root. */
  readonly path: ByteText;
  /** Set at the end: writing into a directory changes its time, and its mode may forbid it. */
  attributes: Attributes = implicitDirectory;
  opaque = false;
  notes: Notes | undefined;
  readonly directories = new Map<string, DirectoryNode>();
  /** What lower layers have here under these names is hidden. */
  readonly whiteouts = new Set<string>();
  /** Of files here. */
  readonly fileNotes = new Map<string, Notes>();

  constructor(parent: DirectoryNode | undefined, path: ByteText) {
    this.parent = parent;
    this.path = path;
  }

  pathOf(base: string): ByteText {
    return this.path === '' ? base : `${this.path}/${base}`;
  }

  /** All below it, and itself last. Not by recursion: a layer can be two thousand directories deep. */
  *deepestFirst(): Generator<DirectoryNode> {
    const open = [{ node: this as DirectoryNode, children: this.directories.values() }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.children.next();
      if (next.done) {
        open.pop();
        yield top.node;
      } else open.push({ node: next.value, children: next.value.directories.values() });
    }
  }
}
