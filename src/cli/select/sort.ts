import { type Path, parsePath, valuesAt } from '../output/expressions/jsonpath-path.ts';
import { rootOf } from '../output/expressions/rows.ts';
import { Scanner } from '../output/expressions/scanner.ts';
import { compare } from '../output/expressions/values.ts';

export interface Order {
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
  const scanner = new Scanner(
    `.${field}`,
    `field ${JSON.stringify(text.trim())}`,
    'Write it like name, age or labels.team.',
  );
  const path = parsePath(scanner);
  scanner.need(/$/y, 'the end');
  return { path, descending: (minus === '-') !== meant.startsWith('-') };
}

/** What has no such value comes last. @throws invalid_argument when nobody can have it */
export function sorted<T extends object>(items: readonly T[], { path, descending }: Order): T[] {
  const keyed = items.map((item) => ({ item, key: valuesAt(path, rootOf(item), item)[0] ?? null }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return descending ? compare(b.key, a.key) : compare(a.key, b.key);
  });
  return keyed.map(({ item }) => item);
}
