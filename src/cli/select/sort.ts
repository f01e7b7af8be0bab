import { FsbError } from '../../core/model/failure/errors.ts';
import { type Path, parsePath, valuesAt } from '../output/expressions/jsonpath-path.ts';
import { rootOf } from '../output/expressions/rows.ts';
import { Scanner } from '../output/expressions/scanner.ts';
import { compare, type Data } from '../output/expressions/values.ts';

export interface Order {
  /** As it was written. */
  text: string;
  path: Path;
  descending: boolean;
}

/** Words that are no field. A younger one has a later time. */
const ALIASES: Record<string, string> = { age: '-created_at', created: 'created_at', status: 'phase' };

/**
 * `name`, `age`, `-created_at`, `spec.resources.memory`, `.labels['team']`: a field of -o json, backwards after a dash.
 * @throws invalid_argument with the position
 */
export function parseOrder(text: string): Order {
  const [, minus = '', said = ''] = /^(-?)([\s\S]*)$/.exec(text.trim())!;
  const [, inner = said] = /^\{([\s\S]*)\}$/.exec(said) ?? [];
  const meant = Object.hasOwn(ALIASES, inner) ? ALIASES[inner]! : inner;
  const field = meant.replace(/^-/, '').replace(/^\./, '');
  const scanner = new Scanner(`.${field}`, called(text), 'Write it like name, age or labels.team.');
  const path = parsePath(scanner);
  scanner.need(/$/y, 'the end');
  return { text, path, descending: (minus === '-') !== meant.startsWith('-') };
}

/** What has no such value comes last. @throws invalid_argument when nobody can have it */
export function sorted<T extends object>(items: readonly T[], { text, path, descending }: Order): T[] {
  const keyOf = (item: T): Data => {
    try {
      return valuesAt(path, rootOf(item), item)[0] ?? null;
    } catch (error) {
      const { message, hint } = FsbError.from(error);
      throw new FsbError('invalid_argument', `invalid ${called(text)}: ${message}`, { hint });
    }
  };
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return descending ? compare(b.key, a.key) : compare(a.key, b.key);
  });
  return keyed.map(({ item }) => item);
}

const called = (text: string): string => `--sort-by ${JSON.stringify(text.trim())}`;
