import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';
import { OUTPUT_FORMATS } from '../output/listing.ts';
import { nearest } from '../output/nearest.ts';
import { parseEndpoint } from './endpoint.ts';

/** What a configuration file may say. Every value is a text, in the file and on the command line. */
export const CONFIG_KEYS = ['endpoint', 'context', 'namespace', 'editor', 'output', 'pool', 'color'] as const;
export type ConfigKey = (typeof CONFIG_KEYS)[number];
export type Config = Partial<Record<ConfigKey, string>>;

/** `user`: ~/.fsb/config.json. `project`: .fsb/config.json of the project one works in, which anybody may have written. */
export type ConfigScope = 'user' | 'project';

export const COLOR_MODES = ['auto', 'always', 'never'];

/** @throws invalid_argument for a value that a key cannot have */
const checks: Record<ConfigKey, (value: string) => unknown> = {
  endpoint: parseEndpoint,
  context: (value) => assertName(value, 'context name'),
  namespace: (value) => assertName(value, 'namespace'),
  editor: (value) => {
    if (value.trim() === '')
      throw new FsbError('invalid_argument', 'the editor is empty', {
        hint: 'Name one, such as nano; or take the key away with: fsb-ctl config unset editor',
      });
  },
  output: (value) => assertOneOf(value, OUTPUT_FORMATS),
  pool: (value) => assertName(value, 'pool name'),
  color: (value) => assertOneOf(value, COLOR_MODES),
};

/** Keys with which a project that one only looks at could do harm, and how. */
const NOT_FOR_PROJECTS: Partial<Record<ConfigKey, string>> = {
  endpoint: 'it could send your commands, and what they carry, to a foreign core',
  editor: 'it could make your machine run any command',
};

/**
 * A key as somebody typed it.
 * @throws invalid_argument with the key that was probably meant
 */
export function configKey(word: string): ConfigKey {
  if ((CONFIG_KEYS as readonly string[]).includes(word)) return word as ConfigKey;
  throw unknownKey(word, CONFIG_KEYS, '');
}

/**
 * One entry of a configuration.
 * @param where `in FILE`, for messages; empty for the command line
 * @throws invalid_argument
 */
export function checkEntry(word: string, value: unknown, scope: ConfigScope, where: string): void {
  if (!(CONFIG_KEYS as readonly string[]).includes(word)) throw unknownKey(word, CONFIG_KEYS, where);
  const key = word as ConfigKey;
  const danger = NOT_FOR_PROJECTS[key];
  if (scope === 'project' && danger !== undefined)
    throw new FsbError('invalid_argument', `${key} cannot be set by a project${where}: ${danger}`, {
      hint: `Remove it there, and set it for yourself: fsb-ctl config set ${key} VALUE`,
    });
  checkValue(key, value, checks[key], where);
}

/** @throws invalid_argument naming the key and the place */
export function checkValue(
  key: string,
  value: unknown,
  check: (value: string) => unknown,
  where: string,
): void {
  if (typeof value !== 'string')
    throw new FsbError('invalid_argument', `${key}${where}: it must be a text in quotes`, {
      hint: `Write it like "${key}": "VALUE".`,
    });
  try {
    check(value);
  } catch (error) {
    const { message, hint } = FsbError.from(error);
    throw new FsbError('invalid_argument', `${key}${where}: ${message}`, { hint, cause: error });
  }
}

export function unknownKey(word: string, known: readonly string[], where: string): FsbError {
  const near = didYouMean(word, known);
  return new FsbError('invalid_argument', `unknown key ${JSON.stringify(word)}${where}`, {
    hint: near === undefined ? `Keys are ${known.join(', ')}.` : `Did you mean ${near}?`,
  });
}

function assertOneOf(value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new FsbError('invalid_argument', `${JSON.stringify(value)} is none of ${choices.join(', ')}`, {
    hint: nearest(value, choices),
  });
}
