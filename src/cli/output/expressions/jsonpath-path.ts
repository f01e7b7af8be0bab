import { assertMayLack, type Root } from './rows.ts';
import type { Scanner } from './scanner.ts';
import { type Data, elementOf, isObject, keyOf, ordered, same } from './values.ts';

/** From one value to those that a step leads to. */
type Step = (value: Data, root: Root) => Data[];

export interface Path {
  /** Begins at `$`, not at what `range` or a filter is at. */
  fromRoot: boolean;
  steps: Step[];
}

/** `.a.b`, `$.a[0]`, `@['a']`, `..name`, `.a[*].b`, `.a[?(@.b=="c")]`, `.a[1:-1]`, `.a[0,2]`. @throws invalid_argument */
export function parsePath(scanner: Scanner): Path {
  const start = scanner.at;
  const anchor = scanner.take(/[$@]/y);
  const steps: Step[] = [];
  for (let step = parseStep(scanner); step !== undefined; step = parseStep(scanner)) steps.push(step);
  // A dot alone is everything, like `$` and `@`.
  if (steps.length === 0 && anchor === undefined) {
    scanner.at = start;
    scanner.need(/\./y, 'a path like .name');
  }
  return { fromRoot: anchor === '$', steps };
}

export function valuesAt({ fromRoot, steps }: Path, root: Root, current: Data): Data[] {
  return steps.reduce<Data[]>(
    (values, step) => values.flatMap((value) => step(value, root)),
    [fromRoot ? root.data : current],
  );
}

function parseStep(scanner: Scanner): Step | undefined {
  if (scanner.take(/\.\./y) !== undefined) {
    const step = parseField(scanner, present) ?? parseBrackets(scanner, present);
    return (value, root) => descendants(value).flatMap((each) => step(each, root));
  }
  if (scanner.take(/\.(?=\[)/y) !== undefined) return parseBrackets(scanner);
  if (scanner.take(/\.(?=[^\s.[\]{}()=!<>,|&"']|\\)/y) !== undefined) return parseField(scanner, presentIn);
  return scanner.take(/(?=\[)/y) === undefined ? undefined : parseBrackets(scanner);
}

/** `*`, or a name in which a backslash takes the meaning of the next character away: `a\\.b`. */
function parseField(scanner: Scanner, lookUp: LookUp): Step | undefined {
  if (scanner.take(/\*/y) !== undefined) return parts;
  const written = scanner.take(/(?:\\[\s\S]|[^\s.[\]{}()=!<>,|&"'\\])+/y);
  const name = written?.replaceAll(/\\([\s\S])/g, '$1');
  return name === undefined ? undefined : (value, root) => lookUp(value, name, root);
}

type LookUp = (value: Data, name: string, root: Root) => Data[];

/** The list that `-o json` prints has the shape of kubectl's lists, too: `.items`. Else it is each of its elements. */
const presentIn: LookUp = (value, name, root) => {
  if (value !== root.data || !Array.isArray(value)) return fieldOf(value, name, root);
  return name === 'items' ? [value] : value.flatMap((each) => fieldOf(each, name, root));
};

/** @throws invalid_argument when an object has none of that name; where keys are the user's own, there is nothing */
const fieldOf: LookUp = (value, name, root) => {
  const found = present(value, name);
  if (found.length === 0 && isObject(value)) assertMayLack(value, name, root, Object.keys(value));
  return found;
};

const present = (value: Data, name: string): Data[] => defined(keyOf(value, name));

function parseBrackets(scanner: Scanner, lookUp: LookUp = fieldOf): Step {
  scanner.need(/\[\s*/y, '"[" or a field name');
  if (scanner.take(/\*/y) !== undefined) {
    scanner.need(/\s*\]/y, '"]"');
    return parts;
  }
  if (scanner.take(/\?\s*\(/y) !== undefined) {
    const fits = parseFilter(scanner);
    scanner.need(/\s*\)\s*\]/y, '")]"');
    return (value, root) => parts(value).filter((each) => fits(each, root));
  }
  const choices = [parseChoice(scanner, lookUp)];
  while (scanner.take(/\s*,\s*/y) !== undefined) choices.push(parseChoice(scanner, lookUp));
  scanner.need(/\s*\]/y, '"]"');
  return (value, root) => choices.flatMap((choice) => choice(value, root));
}

/** `'name'`, `3`, `-1`, `1:3`, `::2` */
function parseChoice(scanner: Scanner, lookUp: LookUp): Step {
  const name = scanner.quoted();
  if (name !== undefined) return (value, root) => lookUp(value, name, root);
  const start = scanner.at;
  const [from, to, step] = scanner
    .need(/-?\d+(?!\d*\s*:)|-?\d*\s*:\s*(?:-?\d+)?(?:\s*:\s*\d+)?/y, "a number, a slice, * or 'a name'")
    .split(':')
    .map((word) => (word.trim() === '' ? undefined : Number(word)));
  if (step === 0) scanner.fail('the step of a slice is at least 1', { at: start });
  const isIndex = !scanner.text.slice(start, scanner.at).includes(':');
  if (isIndex) return (value) => defined(elementOf(value, from!));
  return (value) =>
    Array.isArray(value) ? value.slice(from, to).filter((_, index) => index % (step ?? 1) === 0) : [];
}

const defined = (value: Data): Data[] => (value === undefined ? [] : [value]);

/** Elements of a list, values of an object. */
const parts = (value: Data): Data[] =>
  Array.isArray(value)
    ? value
    : isObject(value)
      ? Object.values(value).filter((each) => each !== undefined)
      : [];

const descendants = (value: Data): Data[] => [value, ...parts(value).flatMap(descendants)];
type Condition = (value: Data, root: Root) => boolean;
type Operand = (value: Data, root: Root) => Data[];

const COMPARISONS: Record<string, (a: Data, b: Data) => boolean> = {
  '==': same,
  '!=': (a, b) => !same(a, b),
  '<': ordered((difference) => difference < 0),
  '<=': ordered((difference) => difference <= 0),
  '>': ordered((difference) => difference > 0),
  '>=': ordered((difference) => difference >= 0),
};

/** `@.phase=="Running"`, `@.reason` (is there), with `&&` and `||` between, in their usual order. */
function parseFilter(scanner: Scanner): Condition {
  const conditions = [parseAll(scanner)];
  while (scanner.take(/\s*\|\|\s*/y) !== undefined) conditions.push(parseAll(scanner));
  return (value, root) => conditions.some((fits) => fits(value, root));
}

function parseAll(scanner: Scanner): Condition {
  const conditions = [parseCondition(scanner)];
  while (scanner.take(/\s*&&\s*/y) !== undefined) conditions.push(parseCondition(scanner));
  return (value, root) => conditions.every((fits) => fits(value, root));
}

function parseCondition(scanner: Scanner): Condition {
  const left = parseOperand(scanner);
  const operator = scanner.take(/\s*(?:[=!<>]=|[<>])\s*/y)?.trim();
  if (operator === undefined) return (value, root) => left(value, root).some((each) => each !== null);
  const right = parseOperand(scanner);
  const holds = COMPARISONS[operator]!;
  return (value, root) => holds(left(value, root)[0], right(value, root)[0]);
}

function parseOperand(scanner: Scanner): Operand {
  scanner.take(/\s+/y);
  const text = scanner.quoted();
  if (text !== undefined) return () => [text];
  const literal = scanner.take(/-?\d+(?:\.\d+)?|(?:true|false|null)\b/y);
  if (literal !== undefined) return () => [JSON.parse(literal.replace(/^(-?)0+(?=\d)/, '$1'))];
  const path = parsePath(scanner);
  return (value, root) => valuesAt(path, root, value);
}
