import { randomBytes } from 'node:crypto';
import { chmod, chown, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The file to replace: many keep it as a link into their collection of such files, where it may not be yet. */
export async function targetOf(file: string): Promise<string> {
  const real = await realpath(file).catch(() => undefined);
  if (real !== undefined) return real;
  const link = await readlink(file).catch(() => undefined);
  return link === undefined ? file : resolve(dirname(file), link);
}

/**
 * Gives a file its new text, all or nothing. Owner and mode stay as they are.
 * @param mode of one that was not there
 */
export async function replaceFile(file: string, text: string, mode = 0o600): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, text, { mode, flag: 'wx', flush: true });
    if (before) {
      // With sudo it may be the file of somebody else, who could not read it any more.
      if (before.uid !== process.getuid?.() || before.gid !== process.getgid?.())
        await chown(draft, before.uid, before.gid);
      await chmod(draft, before.mode & 0o777);
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
