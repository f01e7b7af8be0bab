import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { LabelFilter } from '../../core/model/image/image-requests.ts';

/** The words of `--filter KEY=VALUE` by their keys. @throws invalid_argument for a key that is not one of `keys` */
export function parseFilters<K extends string>(
  words: readonly string[],
  keys: readonly K[],
): Record<K, string[]> {
  const filters = Object.fromEntries(keys.map((key) => [key, []])) as unknown as Record<K, string[]>;
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = equals < 0 ? word : word.slice(0, equals);
    if (equals < 1 || !keys.includes(key as K)) throw invalidFilter(word, key, keys);
    filters[key as K].push(word.slice(equals + 1));
  }
  return filters;
}

function invalidFilter(word: string, key: string, keys: readonly string[]): FsbError {
  const near = didYouMean(key, keys);
  return new FsbError('invalid_argument', `invalid filter ${JSON.stringify(word)}`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}=...? `}Write KEY=VALUE; the keys are ${keys.join(', ')}.`,
  });
}

/** `k=v`, or `k` for whatever value. */
export const parseLabels = (words: readonly string[]): LabelFilter[] =>
  words.map((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? { key: word } : { key: word.slice(0, equals), value: word.slice(equals + 1) };
  });
