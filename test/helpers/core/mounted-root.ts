import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RootFilesystem } from '../../../src/core/model/image/image.ts';

// A tmpfs for the writable layers: an overlay on an overlay would be refused where the machine's own root is one.
const PROLOGUE = 'set -e\nmount --make-rprivate /\nmount -t tmpfs none "$WORK"\nmkdir -p "$ROOT"\n';

/**
 * Mounts a root file system in a mount namespace of its own, with fresh writable layers, and runs a shell script of
 * the machine there: `$ROOT` is where it is mounted. Nothing stays mounted or written.
 * @returns what the script printed
 */
export async function inMountedRoot(root: RootFilesystem, script: string): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'fsb-mount-'));
  await mkdir(join(work, 'root'));
  const mounts = root.overlays.map(({ target, lower }, index) => {
    const upper = `"$WORK/upper${index}","$WORK/work${index}"`.split(',');
    const options = `lowerdir=${lower.join(':')},upperdir=$WORK/upper${index},workdir=$WORK/work${index}`;
    return `mkdir ${upper.join(' ')}\nmount -t overlay -o "${options}" none "$ROOT${target}"\n`;
  });
  const env = { ...process.env, WORK: work, ROOT: join(work, 'root') };
  try {
    const all = `${PROLOGUE}${mounts.join('')}set +e\n${script}`;
    const { stdout } = await promisify(execFile)('unshare', ['--mount', 'sh', '-c', all], { env });
    return stdout;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
