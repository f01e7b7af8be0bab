import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { FsbError } from '../../model/errors.ts';
import { hasStreams, notStarted } from '../../model/has-streams.ts';

/** Paths below the root of a layer, without symbolic links in them. */
export interface OverlayMarks {
  /** Hide one thing of lower layers: a character device 0/0. */
  whiteouts: string[];
  /** Hide everything of lower layers: the attribute trusted.overlay.opaque. '' is the root. */
  opaqueDirectories: string[];
}

/**
 * Node can neither make a device nor set an extended attribute. GNU tar can do both, for any number of paths in one
 * process, and is on every Debian; setfattr would be one more package, a helper in C one more thing to build.
 */
export async function writeOverlayMarks(root: string, marks: OverlayMarks): Promise<void> {
  if (marks.whiteouts.length + marks.opaqueDirectories.length === 0) return;
  for (const path of marks.whiteouts) await assertPlainDirectory(root, path.split('/').slice(0, -1));
  for (const path of marks.opaqueDirectories) await assertPlainDirectory(root, path.split('/'));
  const options = [
    '--extract',
    '--xattrs',
    '--xattrs-include=trusted.overlay.opaque',
    `--directory=${root}`,
    '--file=-',
  ];
  const child = spawn('tar', options, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const exited = once(child, 'close') as Promise<[number | null]>;
  if (!hasStreams(child)) await notStarted(exited, 'tar');
  const [fed, complaint, status] = await Promise.allSettled([
    pipeline(marksAsTar(marks), child.stdin),
    text(child.stderr),
    exited,
  ]);
  const said = complaint.status === 'fulfilled' ? complaint.value.trim() : '';
  const succeeded = fed.status === 'fulfilled' && status.status === 'fulfilled' && status.value[0] === 0;
  // tar only warns when it cannot set an attribute; going on would let hidden files shine through.
  if (succeeded && said === '') return;
  const failure = [status, fed].find((result) => result.status === 'rejected');
  const why = said || String(failure?.reason ?? 'tar failed');
  throw new FsbError('unsupported', `cannot mark files as removed for overlayfs: ${why}`, {
    hint: 'This needs root, GNU tar, and a file system with extended attributes (ext4, xfs, btrfs).',
  });
}

function marksAsTar({ whiteouts, opaqueDirectories }: OverlayMarks): tar.Pack {
  const pack = tar.pack();
  for (const path of opaqueDirectories) {
    const header = { name: path === '' ? '.' : path, type: 'directory', mode: 0o755, pax: OPAQUE } as const;
    pack.entry(header);
  }
  for (const path of whiteouts)
    pack.entry({ name: path, type: 'character-device', mode: 0, devmajor: 0, devminor: 0 });
  pack.finalize();
  return pack;
}

const OPAQUE = { 'SCHILY.xattr.trusted.overlay.opaque': 'y' };

/** A second guard: tar would follow a symbolic link on the way out of the layer. */
async function assertPlainDirectory(root: string, parts: string[]): Promise<void> {
  let path = root;
  for (const part of parts) {
    path = join(path, part);
    if (!(await lstat(path)).isDirectory())
      throw new FsbError('internal', `cannot mark files as removed: ${path} is not a directory`);
  }
}
