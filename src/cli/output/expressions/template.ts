import { rootOf } from './rows.ts';
import { Scanner, unescaped } from './scanner.ts';
import { type Pipeline, parsePipeline, type Scope, wholeOf } from './template-pipeline.ts';
import { type Data, isObject, isTrue, textOf } from './values.ts';

type Part = (scope: Scope) => string;

/**
 * The templates of docker's `--format`: `{{.name}}`, `{{range .events}}{{.message}}\n{{end}}`, `{{if .reason}}...{{else}}...{{end}}`,
 * `{{json .}}`, `{{.labels | json | len}}`. In the text around them \n, \t and \\ are what they are in docker.
 * @returns from one row of the data, and what docker calls things in it, in a template and in JSON, to its text
 * @throws invalid_argument with the position; later, when there is no such field
 */
export function compileTemplate(source: string): Template {
  const scanner = new Scanner(source, 'template');
  const { parts } = parseParts(scanner, undefined);
  return (row, docker = {}, inJson = () => docker) => {
    const root = rootOf(row, docker);
    return parts.map((part) => part({ root, docker, inJson, dot: row })).join('');
  };
}

export type Template = (
  row: Data,
  docker?: Record<string, Data>,
  inJson?: () => Record<string, Data>,
) => string;

type Ending = 'end' | 'else' | 'else if';

/** @param opener the word whose `{{end}}` ends it; undefined: the text's end does */
function parseParts(scanner: Scanner, opener: string | undefined): { parts: Part[]; ending: Ending } {
  const parts: Part[] = [];
  for (;;) {
    const literal = scanner.until('{{');
    const trimmed = scanner.take(/\{\{-(?=\s)/y) !== undefined;
    const text = unescapedText(trimmed ? literal.trimEnd() : literal);
    if (text !== '') parts.push(() => text);
    if (scanner.done) {
      if (opener !== undefined) scanner.fail(`{{${opener}}} has no {{end}}`);
      return { parts, ending: 'end' };
    }
    if (!trimmed) scanner.take(/\{\{/y);
    scanner.take(/\s+/y);
    const ending = parseEnding(scanner, opener);
    if (ending !== undefined) return { parts, ending };
    const part = parseAction(scanner);
    if (part !== undefined) parts.push(part);
  }
}

function parseEnding(scanner: Scanner, opener: string | undefined): Ending | undefined {
  const start = scanner.at;
  const word = scanner.take(/(?:end|else\s+if|else)\b/y)?.replace(/\s+/, ' ') as Ending | undefined;
  if (word === undefined) return undefined;
  if (opener === undefined) scanner.fail(`{{${word}}} without {{if}} or {{range}}`, { at: start });
  if (word !== 'else if') close(scanner);
  return word;
}

/** Undefined for a comment. */
function parseAction(scanner: Scanner): Part | undefined {
  if (scanner.take(/\/\*[\s\S]*?\*\//y) !== undefined) {
    close(scanner);
    return undefined;
  }
  const word = scanner.take(/(?:if|range|with)\b/y);
  const pipeline = parsePipeline(scanner);
  if (word === 'if') return parseIf(scanner, pipeline);
  close(scanner);
  if (word === undefined) return (scope) => textOf(wholeOf(pipeline(scope), scope));
  const { body, otherwise } = parseBranches(scanner, word);
  return word === 'range' ? rangePart(pipeline, body, otherwise) : withPart(pipeline, body, otherwise);
}

function parseIf(scanner: Scanner, pipeline: Pipeline): Part {
  close(scanner);
  const { body, otherwise } = parseBranches(scanner, 'if');
  return (scope) => (isTrue(pipeline(scope)) ? body(scope) : otherwise(scope));
}

function parseBranches(scanner: Scanner, opener: string): { body: Part; otherwise: Part } {
  const { parts, ending } = parseParts(scanner, opener);
  const body = joined(parts);
  if (ending === 'end') return { body, otherwise: () => '' };
  if (ending === 'else if') {
    scanner.take(/\s+/y);
    return { body, otherwise: parseIf(scanner, parsePipeline(scanner)) };
  }
  const last = parseParts(scanner, opener);
  if (last.ending !== 'end') scanner.fail('{{else}} twice');
  return { body, otherwise: joined(last.parts) };
}

/** The end of an action; `-}}` takes the blanks after it away. */
function close(scanner: Scanner): void {
  if (scanner.take(/\s+-\}\}\s*/y) === undefined) scanner.need(/\s*\}\}/y, '"}}"');
}

const joined =
  (parts: Part[]): Part =>
  (scope) =>
    parts.map((part) => part(scope)).join('');

const rangePart =
  (pipeline: Pipeline, body: Part, otherwise: Part): Part =>
  (scope) => {
    const items = elements(pipeline(scope));
    return items.length === 0 ? otherwise(scope) : items.map((dot) => body({ ...scope, dot })).join('');
  };

const withPart =
  (pipeline: Pipeline, body: Part, otherwise: Part): Part =>
  (scope) => {
    const dot = pipeline(scope);
    return isTrue(dot) ? body({ ...scope, dot }) : otherwise(scope);
  };

/** Of an object its values, by their keys in order, as in Go. */
function elements(value: Data): Data[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [];
  return Object.keys(value)
    .sort()
    .map((key) => value[key]);
}

const unescapedText = (text: string): string => text.replaceAll(/\\[ntr\\]/g, unescaped);
