import { type Path, parsePath, valuesAt } from './jsonpath-path.ts';
import { type Root, rootOf } from './rows.ts';
import { Scanner } from './scanner.ts';
import { type Data, textOf } from './values.ts';

interface Scope {
  root: Root;
  /** What `range` is at. */
  current: Data;
}

type Part = (scope: Scope) => string;

/**
 * kubectl's jsonpath: `{.items[*].name}`, `{range .items[*]}{.name}{"\n"}{end}`; without braces one path. What an object
 * does not have is a mistake; where keys are the user's own, it prints nothing, and so does null. A list is there as `.items`, too, and is `$` itself.
 * @returns from the data to the text, which ends with a newline unless it is empty
 * @throws invalid_argument with the position; later, when there is no such field
 */
export function compileJsonPath(source: string): (data: Data) => string {
  const scanner = new Scanner(source, 'jsonpath');
  const parts = source.includes('{') ? parseParts(scanner, false) : [pathPart(parseBarePath(scanner))];
  return (data) => {
    const root = rootOf(data);
    const text = parts.map((part) => part({ root, current: data })).join('');
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  };
}

function parseBarePath(scanner: Scanner): Path {
  const path = parsePath(scanner);
  if (!scanner.done) scanner.need(/$/y, 'the end');
  return path;
}

/** Up to the end, or to the `{end}` of a range. */
function parseParts(scanner: Scanner, inRange: boolean): Part[] {
  const parts: Part[] = [];
  for (;;) {
    const literal = scanner.until('{');
    if (literal !== '') parts.push(() => literal);
    if (scanner.done) {
      if (inRange) scanner.fail('{range} has no {end}');
      return parts;
    }
    const start = scanner.at;
    scanner.take(/\{\s*/y);
    if (scanner.take(/end\s*\}/y) !== undefined) {
      if (!inRange) scanner.fail('{end} without {range}', { at: start });
      return parts;
    }
    parts.push(...parseAction(scanner));
  }
}

/** What stands between braces, several of it with blanks between them. */
function parseAction(scanner: Scanner): Part[] {
  if (scanner.take(/range\s+/y) !== undefined) {
    const path = parsePath(scanner);
    closeAction(scanner);
    return [rangePart(path, parseParts(scanner, true))];
  }
  const parts: Part[] = [];
  while (scanner.take(/\s*\}/y) === undefined) {
    if (scanner.done) scanner.need(/\}/y, '"}"');
    const text = scanner.quoted();
    parts.push(text === undefined ? pathPart(parsePath(scanner)) : () => text);
    scanner.take(/\s+/y);
  }
  return parts;
}

const closeAction = (scanner: Scanner): string => scanner.need(/\s*\}/y, '"}"');

const pathPart =
  (path: Path): Part =>
  ({ root, current }) =>
    valuesAt(path, root, current)
      .filter((value) => value !== undefined && value !== null)
      .map(textOf)
      .join(' ');

const rangePart =
  (path: Path, body: Part[]): Part =>
  ({ root, current }) =>
    elements(valuesAt(path, root, current))
      .map((each) => body.map((part) => part({ root, current: each })).join(''))
      .join('');

/** `{range .items}` means its elements as `{range .items[*]}` does. */
const elements = (values: Data[]): Data[] =>
  values.length === 1 && Array.isArray(values[0]) ? values[0] : values;
