import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { isName } from '../../core/model/ids.ts';
import { makeDirectories } from '../../core/model/make-directories.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type Context, DEFAULT_CONTEXT, readContextFile } from './context.ts';
import { type ConfigPlace, userDirectory } from './files.ts';
import { changing, unusable } from './json-file.ts';

/** The user's contexts, a file each. */
export class Contexts {
  readonly #directory: string;

  constructor(place: ConfigPlace) {
    this.#directory = join(userDirectory(place), 'contexts');
  }

  /** In order, the default one first. */
  names(): string[] {
    const names = filesOf(this.#directory)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .filter((name) => isName(name) && name !== DEFAULT_CONTEXT);
    return [DEFAULT_CONTEXT, ...names.sort()];
  }

  has(name: string): boolean {
    return this.names().includes(name);
  }

  /** @throws not_found with the name that was probably meant; invalid_argument for a broken file */
  get(name: string): Context {
    if (name === DEFAULT_CONTEXT) return { endpoint: '', description: 'The core of this machine' };
    // A name becomes part of a path: nothing but our own form may.
    const found = isName(name) ? readContextFile(this.#file(name)) : undefined;
    if (found !== undefined) return found;
    const near = didYouMean(name, this.names());
    throw new FsbError('not_found', `context ${name || '""'} does not exist`, {
      hint: near === undefined ? 'See what there is with: fsb-ctl context list' : `Did you mean ${near}?`,
    });
  }

  async put(name: string, context: Context): Promise<void> {
    const file = this.#file(name);
    await changing(file, async () => {
      makeDirectories(this.#directory, 0o700);
      await replaceFile(file, `${JSON.stringify(context, null, 2)}\n`);
    });
  }

  async remove(name: string): Promise<void> {
    await changing(this.#file(name), () => rm(this.#file(name)));
  }

  #file(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw unusable(directory, message, error);
  }
}
