import { existsSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { World } from '../terminal/world.ts';
import { DEFAULT_CONTEXT } from './context.ts';
import { Contexts } from './contexts.ts';
import { editConfig } from './edit.ts';
import { findProjectFile, projectFile, userFile } from './files.ts';
import { type ConfigKey, type ConfigScope, checkEntry, configKey } from './schema.ts';

type ChangeWorld = Pick<World, 'env' | 'cwd' | 'clock'>;

/**
 * @returns the file that says it now
 * @throws invalid_argument for a value, or a key in that place; not_found for a context that is not there
 */
export async function setEntry(
  key: ConfigKey,
  value: string,
  scope: ConfigScope,
  world: ChangeWorld,
  signal: AbortSignal,
): Promise<string> {
  checkEntry(key, value, scope, '');
  if (key === 'context') new Contexts(world).get(value);
  const file = scope === 'user' ? userFile(world) : projectFile(world);
  await editConfig({ file, scope, world, signal }, (entries) => {
    const rival = { endpoint: 'context', context: 'endpoint' }[key as string];
    if (rival !== undefined && Object.hasOwn(entries, rival))
      throw new FsbError(
        'conflict',
        `${file} has ${article(rival)} already, and ${key} would contradict it`,
        {
          hint: `Remove that first: fsb-ctl config unset ${rival}`,
        },
      );
    entries[key] = value;
    return true;
  });
  return file;
}

const article = (word: string): string => (word === 'endpoint' ? `an ${word}` : `a ${word}`);

/**
 * Also a key that should not be there.
 * @returns false: it was not there
 * @throws invalid_argument for one that is neither there nor known
 */
export async function unsetEntry(
  key: string,
  scope: ConfigScope,
  world: ChangeWorld,
  signal: AbortSignal,
): Promise<boolean> {
  const file = scope === 'user' ? userFile(world) : findProjectFile(world);
  let isThere = false;
  if (file !== undefined && existsSync(file))
    await editConfig({ file, scope, world, signal }, (entries) => {
      isThere = Object.hasOwn(entries, key);
      return isThere && delete entries[key];
    });
  if (!isThere) configKey(key);
  return isThere;
}

/** Makes a context the user's own choice, in place of another one or of an endpoint. @throws not_found */
export async function useContext(name: string, world: ChangeWorld, signal: AbortSignal): Promise<void> {
  new Contexts(world).get(name);
  await editConfig({ file: userFile(world), scope: 'user', world, signal }, (entries) => {
    delete entries.endpoint;
    delete entries.context;
    if (name !== DEFAULT_CONTEXT) entries.context = name;
    return true;
  });
}
