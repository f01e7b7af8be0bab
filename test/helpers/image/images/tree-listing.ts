import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** A line of facts by path below the root: `file 12 <hash> 4755 0:0 nlink=1 mtime=1600000000 user.x=0x61`. */
export type TreeListing = Record<string, string>;

/**
 * All that a file system says about the files below a directory, for comparing two trees.
 * @param skipped paths relative to the root that are left out, with what is below them
 */
export async function treeListing(root: string, skipped: readonly string[] = []): Promise<TreeListing> {
  const listing: TreeListing = {};
  /** By the file's identity, so that names of one file can be told from equal files. */
  const firstNames = new Map<string, string>();
  const walk = async (directory: string): Promise<void> => {
    for (const name of (await readdir(join(root, directory))).sort()) {
      const path = join(directory, name);
      if (skipped.includes(path)) continue;
      const status = await lstat(join(root, path));
      const identity = `${status.dev}:${status.ino}`;
      const first = firstNames.get(identity) ?? path;
      firstNames.set(identity, first);
      listing[path] =
        `${await factsOf(join(root, path), status)}${first === path ? '' : ` same as ${first}`}`;
      if (status.isDirectory()) await walk(path);
    }
  };
  await walk('.');
  for (const [path, xattrs] of await xattrsOf(root, Object.keys(listing))) listing[path] += ` ${xattrs}`;
  return listing;
}

async function factsOf(path: string, status: Stats): Promise<string> {
  const access = `${(status.mode & 0o7777).toString(8)} ${status.uid}:${status.gid}`;
  // How many links a directory has is up to the file system.
  if (status.isDirectory()) return `directory ${access}`;
  const rest = `${access} nlink=${status.nlink} mtime=${Math.floor(status.mtimeMs / 1000)}`;
  if (status.isSymbolicLink()) return `link to ${await readlink(path)} ${rest}`;
  if (!status.isFile()) return `special ${(status.mode & 0o170000).toString(8)} ${status.rdev} ${rest}`;
  const hash = createHash('sha256').update(await readFile(path));
  return `file ${status.size} ${hash.digest('hex').slice(0, 16)} ${rest}`;
}

/** `security.capability=0x...` of those paths that have any, by getfattr of the package attr. */
async function xattrsOf(root: string, paths: string[]): Promise<Map<string, string>> {
  const words = ['-0', 'getfattr', '-h', '-d', '-m', '^(user|security|trusted)\\.', '-e', 'hex', '--'];
  const xargs = spawn('xargs', words, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  xargs.stdin.end(paths.join('\0'));
  const found = new Map<string, string>();
  for (const block of (await text(xargs.stdout)).split('\n\n')) {
    const [title, ...lines] = block.split('\n').filter((line) => line !== '');
    // What an overlay keeps for itself is no attribute of the file.
    const own = lines.filter((line) => !line.startsWith('trusted.overlay.')).sort();
    if (title !== undefined && own.length > 0)
      found.set(unescaped(title.replace(/^# file: /, '')), own.join(' '));
  }
  return found;
}

/** getfattr writes odd bytes in octal. */
const unescaped = (path: string): string =>
  Buffer.from(
    path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    'latin1',
  ).toString('utf8');
