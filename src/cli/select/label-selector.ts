import { Scanner } from '../output/expressions/scanner.ts';

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

export interface LabelSelector {
  /** What the core can look for by itself. */
  equal: Record<string, string>;
  /** All of it. */
  fits(labels: Labels): boolean;
}

/**
 * kubectl's selectors, all of which must hold: `team=red,tier!=test`, `team in (red, blue)`, `team notin (red)`, `team`
 * (has it), `!team`. What has no such label fits `!=` and `notin`, as there.
 * @param words of `--selector`
 * @throws invalid_argument with the position
 */
export function parseSelectors(words: readonly string[]): LabelSelector {
  const equal: Record<string, string> = {};
  const requirements = words.flatMap((word) => parseSelector(word, equal));
  return { equal, fits: (labels) => requirements.every((fits) => fits(labels)) };
}

const HINT = "Write it like team=red, team!=red, 'team in (red, blue)', team or '!team'.";

function parseSelector(word: string, equal: Record<string, string>): Requirement[] {
  const scanner = new Scanner(word, `selector ${JSON.stringify(word)}`, HINT);
  const requirements = [parseRequirement(scanner, equal)];
  while (scanner.take(/\s*,/y) !== undefined) requirements.push(parseRequirement(scanner, equal));
  scanner.need(/\s*$/y, 'a comma or the end');
  return requirements;
}

function parseRequirement(scanner: Scanner, equal: Record<string, string>): Requirement {
  scanner.take(/\s+/y);
  const absent = scanner.take(/!\s*/y) !== undefined;
  const key = scanner.need(/[^\s,=!()]+/y, 'the name of a label');
  if (absent) return (labels) => !Object.hasOwn(labels, key);
  const operator = scanner.take(/\s*(?:==?|!=)\s*|\s+(?:notin|in)(?=[\s(])\s*/y)?.trim();
  if (operator === undefined) return (labels) => Object.hasOwn(labels, key);
  if (operator === 'in' || operator === 'notin') {
    const values = parseValues(scanner);
    return (labels) => (operator === 'in') === (Object.hasOwn(labels, key) && values.includes(labels[key]!));
  }
  const value = scanner.take(/[^,]*/y)!.trim();
  const has: Requirement = (labels) => Object.hasOwn(labels, key) && labels[key] === value;
  if (operator === '!=') return (labels) => !has(labels);
  equal[key] = value;
  return has;
}

/** `(red, blue)` */
function parseValues(scanner: Scanner): string[] {
  scanner.need(/\(/y, '"("');
  const values: string[] = [];
  do values.push(scanner.take(/[^,()]*/y)!.trim());
  while (scanner.take(/,/y) !== undefined);
  scanner.need(/\)/y, '")"');
  return values;
}
