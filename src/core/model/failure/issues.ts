import type { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import type { Violation } from './errors.ts';

/** What zod found, in words for whoever wrote it. */

/** Unknown keys for which a known one is looked for: somebody may send a hundred thousand of them. */
const MOST_GUESSES = 20;

/**
 * What is wrong, for every issue that zod found.
 * @param knownKeys with the section they belong to: `resources.memory`
 * @returns also as lines: `resources.memory: must be at least 6m`
 */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  knownKeys: string[],
): { lines: string[]; violations: Violation[]; hint?: string } {
  const lines: string[] = [];
  const violations: Violation[] = [];
  let hint: string | undefined;
  for (const issue of issues) {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const field = path === '' ? key : `${path}.${key}`;
        lines.push(`unknown key ${field}`);
        violations.push({ field, description: 'unknown key' });
        if (lines.length <= MOST_GUESSES) hint ??= hintFor(key, sectionOf(issue), knownKeys);
      }
    } else {
      const description = reasonOf(issue);
      lines.push(path === '' ? description : `${path}${description === MISSING ? ' ' : ': '}${description}`);
      violations.push({ field: path, description });
    }
  }
  return { lines, violations, hint };
}

const MISSING = 'is missing';

const TYPES: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a map of keys',
  record: 'a map of keys',
  string: 'a text',
};

/** zod's own words for a wrong type, or a word that it does not know, are for programmers. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.message.startsWith('Too ')) return boundIn(issue);
  if (issue.message.startsWith('Invalid option')) return `must be one of ${typesIn(issue).join(', ')}`;
  const types = typesIn(issue);
  if (types.length === 0 || !issue.message.startsWith('Invalid input')) return issue.message;
  if (issue.message.endsWith('received undefined')) return MISSING;
  const bare = types[0] === TYPES.string && /received (number|boolean)$/.test(issue.message);
  return `must be ${types.join(' or ')}${bare ? ': put it in quotes' : ''}`;
}

const NUMBERS = ['number', 'int', 'bigint'];

/** Nothing here asks for more than one of something, or for one letter more. */
function boundIn(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small')
    return NUMBERS.includes(issue.origin)
      ? `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
      : 'must not be empty';
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  return issue.message;
}

/** What would have been right. */
function typesIn(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_union') return [...new Set(issue.errors.flat().flatMap(typesIn))];
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_type' ? [TYPES[issue.expected] ?? issue.expected] : [];
}

/** Where a key stands, whichever of a list it is: `tokens`. */
const sectionOf = ({ path }: z.core.$ZodIssue): string =>
  path.filter((part) => typeof part === 'string').join('.');

/** A key may be right and only stand in the wrong section. */
function hintFor(key: string, section: string, knownKeys: readonly string[]): string {
  // It is not meant to be what it stands in.
  const others = knownKeys.filter((path) => !`${section}.`.startsWith(`${path}.`));
  const near = nearestKey(key, others);
  if (near !== undefined) return `Did you mean ${near}?`;
  const own = keysIn(section === '' ? '' : `${section}.`, others);
  return `Keys are ${(own.length > 0 ? own : keysIn('', knownKeys)).join(', ')}.`;
}

const keysIn = (prefix: string, knownKeys: readonly string[]): string[] =>
  knownKeys
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .filter((name) => !name.includes('.'));

function nearestKey(key: string, knownKeys: readonly string[]): string | undefined {
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  const elsewhere = knownKeys.find((path) => nameOf(path) === key);
  if (elsewhere !== undefined) return elsewhere;
  const near = didYouMean(key, knownKeys.map(nameOf));
  return knownKeys.find((path) => nameOf(path) === near);
}
