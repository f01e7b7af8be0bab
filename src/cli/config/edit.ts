import { chmod, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { makeDirectories } from '../../core/model/make-directories.ts';
import { withFileLock } from '../files/file-lock.ts';
import { replaceFile, targetOf } from '../files/replace-file.ts';
import type { World } from '../terminal/world.ts';
import { changing, readJsonFile } from './json-file.ts';
import type { ConfigScope } from './schema.ts';

export interface Edit {
  file: string;
  scope: ConfigScope;
  world: Pick<World, 'clock'>;
  signal: AbortSignal;
}

/**
 * Changes a configuration file as it is by now, all or nothing; order and indentation of what stays are kept.
 * @param change of the entries, in place; false: nothing changed
 * @throws invalid_argument when it is broken by now; unavailable when another command holds it
 */
export async function editConfig(
  { file, scope, world, signal }: Edit,
  change: (entries: Record<string, unknown>) => boolean,
): Promise<void> {
  const isPrivate = scope === 'user';
  await changing(file, async () => {
    makeDirectories(dirname(file), isPrivate ? 0o700 : 0o755);
    const target = await targetOf(file);
    if (!isPrivate) await assertInProject(file, target);
    await withFileLock(target, { clock: world.clock, signal }, async () => {
      const { content, indent } = readJsonFile(target) ?? { content: {}, indent: '  ' };
      if (!change(content)) return;
      await replaceFile(target, `${JSON.stringify(content, null, indent)}\n`, isPrivate ? 0o600 : 0o644);
      if (isPrivate) await chmod(target, 0o600);
    });
  });
}

/** Anybody may have made the links of a project: none of them says which file of yours is written. @throws denied */
async function assertInProject(file: string, target: string): Promise<void> {
  const own = join(await realpath(dirname(dirname(file))), '.fsb/config.json');
  if (join(await realpath(dirname(target)), basename(target)) === own) return;
  throw new FsbError('denied', `${file} is a link that leads elsewhere, to ${target}`, {
    hint: 'Put a file in its place.',
  });
}
