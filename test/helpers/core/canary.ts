import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Everything that can be seen of a tree, to find out later whether anything has touched it. */
export async function stateOf(path: string, without: string[] = []): Promise<unknown> {
  const stats = await lstat(path);
  const facts = [stats.mode, stats.uid, stats.gid, stats.nlink, stats.size, stats.mtimeMs, stats.ctimeMs];
  if (!stats.isDirectory()) return [...facts, stats.isFile() ? await readFile(path, 'latin1') : ''];
  const names = (await readdir(path)).filter((name) => !without.includes(name)).sort();
  return [...facts, await Promise.all(names.map(async (name) => [name, await stateOf(join(path, name))]))];
}
