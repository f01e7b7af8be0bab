import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file system of its own, to be filled or to fail. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  path: string;
  /** Takes all but `left` bytes of it. @returns gives them back */
  fill(left?: number): Promise<() => Promise<void>>;
  /** Nothing may use it any more. */
  close(): Promise<void>;
}

export interface FailingDisk extends SmallDisk {
  /** As the kernel does after an error of the disk: from now on it can only be read, by those who write it, too. */
  fail(): void;
  /** As a person does: takes it away, checks it, mounts it again. Nothing may use it meanwhile. */
  repair(): void;
}

/** What was mounted in a namespace that is going keeps the device for a moment. */
const REPAIR =
  'while losetup -j "$1" | grep -q .; do sleep 0.05; done; fsck.ext4 -y -f "$1" || test $? -le 2';

/** The short path keeps sockets below it within their 107 bytes. */
const makeDirectory = (): Promise<string> => mkdtemp('/tmp/fsb-d-');

/** In memory. */
export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const path = await makeDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'fsb-test', path]);
  const close = async (): Promise<void> => {
    execFileSync('umount', [path]);
    await rmdir(path);
  };
  return { path, fill: (left) => fill(path, left), close, [Symbol.asyncDispose]: close };
}

/** An ext4 in a file. */
export async function failingDisk(bytes: number): Promise<FailingDisk> {
  const path = await makeDirectory();
  const image = `${path}.ext4`;
  const mount = (): void => void execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, path]);
  const unmount = (): void => void execFileSync('umount', [path]);
  await writeFile(image, '');
  await truncate(image, bytes);
  execFileSync('sh', ['-c', 'mkfs.ext4 -q -O ^has_journal "$1"', 'sh', image]);
  mount();
  const close = async (): Promise<void> => {
    unmount();
    await rm(image);
    await rmdir(path);
  };
  return {
    path,
    fill: (left) => fill(path, left),
    fail: () => void execFileSync('mount', ['-o', 'remount,abort', path]),
    repair() {
      unmount();
      execFileSync('sh', ['-c', REPAIR, 'sh', image], { stdio: 'ignore' });
      mount();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface ThinDisk extends AsyncDisposable {
  path: string;
  /** From now on each block that was never written fails when it is synced. @returns ends that */
  fail(): Promise<() => Promise<void>>;
}

/** An ext4 in a sparse file on a small disk: one for which there is less room than it promises, as thin volumes are. */
export async function thinDisk(bytes: number): Promise<ThinDisk> {
  const ground = await smallDisk(bytes);
  const image = join(ground.path, 'image');
  await writeFile(image, '');
  await truncate(image, 2 * bytes);
  const path = await makeDirectory();
  execFileSync('sh', ['-c', 'mkfs.ext4 -q -O ^has_journal "$1"', 'sh', image]);
  execFileSync('mount', ['-o', 'loop,errors=continue', image, path]);
  return {
    path,
    fail: () => ground.fill(),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [path]);
      await rmdir(path);
      await rm(image);
      await ground.close();
    },
  };
}

async function fill(disk: string, left = 0): Promise<() => Promise<void>> {
  const path = join(disk, 'full');
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(randomBytes(64 * 1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    const { size } = await file.stat();
    await file.truncate(Math.max(0, size - left));
  } finally {
    await file.close();
  }
  return () => rm(path);
}
