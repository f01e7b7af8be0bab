import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { World } from '../terminal/world.ts';
import { type JsonFile, readJsonFile } from './json-file.ts';
import { type Config, type ConfigScope, checkEntry } from './schema.ts';

/** As much of the world as says where configuration is. */
export type ConfigPlace = Pick<World, 'env' | 'cwd'>;

export interface ConfigFile {
  scope: ConfigScope;
  file: string;
  values: Config;
}

const NAME = '.fsb/config.json';

const homeOf = ({ env }: ConfigPlace): string => env.HOME || homedir();

/** Where a user keeps what concerns fsb-ctl: the configuration and the contexts. */
export const userDirectory = (place: ConfigPlace): string => join(homeOf(place), '.fsb');

export const userFile = (place: ConfigPlace): string => join(homeOf(place), NAME);

/**
 * The first .fsb/config.json from the working directory upwards, to the root of the repository, which has .git; outside
 * of one to the home directory or the root of the file system. The user's own file is never a project's.
 */
export function findProjectFile(place: ConfigPlace): string | undefined {
  const home = homeOf(place);
  for (let directory = place.cwd; directory !== home; directory = dirname(directory)) {
    const file = join(directory, NAME);
    if (existsSync(file)) return isSame(file, userFile(place)) ? undefined : file;
    if (existsSync(join(directory, '.git')) || dirname(directory) === directory) return undefined;
  }
  return undefined;
}

/** Where a project's file is, or would be made: at the root of the repository, else in the working directory. */
export function projectFile(place: ConfigPlace): string {
  const found = findProjectFile(place);
  if (found !== undefined) return found;
  for (let directory = place.cwd; dirname(directory) !== directory; directory = dirname(directory))
    if (existsSync(join(directory, '.git'))) return join(directory, NAME);
  return join(place.cwd, NAME);
}

/** The home may be reached by another path. */
function isSame(file: string, other: string): boolean {
  try {
    return realpathSync(file) === realpathSync(other);
  } catch {
    return false;
  }
}

/**
 * @returns undefined when there is none
 * @throws invalid_argument naming file and key
 */
export function readConfigFile(file: string, scope: ConfigScope): ConfigFile | undefined {
  const read = readJsonFile(file);
  return read && { scope, file, values: checkedConfig(read, scope) };
}

export function checkedConfig({ file, content }: JsonFile, scope: ConfigScope): Config {
  for (const [key, value] of Object.entries(content)) checkEntry(key, value, scope, ` in ${file}`);
  return content as Config;
}
