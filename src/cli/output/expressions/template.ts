import { rootOf } from './rows.ts';
import { unescaped } from './scanner.ts';
import { parsePipeline, type Scope, wholeOf } from './template-pipeline.ts';
import { TemplateScanner, Variables } from './template-variables.ts';
import { type Data, isObject, isTrue, textOf } from './values.ts';

type Part = (scope: Scope) => string;

/**
 * The templates of docker's `--format`: `{{.name}}`, `{{range .events}}{{.message}}\n{{end}}`, `{{if .reason}}...{{else}}...{{end}}`,
 * `{{json .}}`, `{{.labels | json | len}}`, `{{range $key, $value := .labels}}`. In the text around them \n, \t and \\ are what they are in docker.
 * @returns from one row of the data, and what docker calls things in it, in a template and in JSON, to its text
 * @throws invalid_argument with the position; later, when there is no such field
 */
export function compileTemplate(source: string): Template {
  const scanner = new TemplateScanner(source);
  const { parts } = parseParts(scanner, undefined);
  return (row, docker = {}, inJson = () => docker) => {
    const root = rootOf(row, docker);
    return joined(parts)({ root, docker, inJson, dot: row, variables: new Variables() });
  };
}

export type Template = (
  row: Data,
  docker?: Record<string, Data>,
  inJson?: () => Record<string, Data>,
) => string;

type Ending = 'end' | 'else' | 'else if';

/** @param opener the word whose `{{end}}` ends it; undefined: the text's end does */
function parseParts(scanner: TemplateScanner, opener: string | undefined): { parts: Part[]; ending: Ending } {
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

function parseEnding(scanner: TemplateScanner, opener: string | undefined): Ending | undefined {
  const start = scanner.at;
  const word = scanner.take(/(?:end|else\s+if|else)\b/y)?.replace(/\s+/, ' ') as Ending | undefined;
  if (word === undefined) return undefined;
  if (opener === undefined) scanner.fail(`{{${word}}} without {{if}} or {{range}}`, { at: start });
  if (word !== 'else if') close(scanner);
  return word;
}

/** Undefined for a comment. */
function parseAction(scanner: TemplateScanner): Part | undefined {
  if (scanner.take(/\/\*[\s\S]*?\*\//y) !== undefined) {
    close(scanner);
    return undefined;
  }
  const word = scanner.take(/(?:if|range|with)\b/y);
  if (word === undefined) return parseStatement(scanner);
  return scanner.block(() => {
    scanner.take(/\s+/y);
    return word === 'range' ? parseRange(scanner) : parseChoice(scanner, word);
  });
}

/** A value that is printed; `$x := value` and `$x = value` print nothing. */
function parseStatement(scanner: TemplateScanner): Part {
  const assigned = scanner.take(/(?=\$\w+\s*=)/y) === undefined ? undefined : scanner.variable();
  if (assigned !== undefined) scanner.need(/\s*=\s*/y, '"="');
  const [declared] = assigned === undefined ? (scanner.declaration(1) ?? []) : [];
  const pipeline = parsePipeline(scanner);
  close(scanner);
  if (assigned === undefined && declared === undefined)
    return (scope) => textOf(wholeOf(pipeline(scope), scope));
  return (scope) => {
    const value = pipeline(scope);
    if (declared === undefined) scope.variables.assign(assigned!, value);
    else scope.variables.declare(declared, value);
    return '';
  };
}

/** `if` and `with`, which is at its value, to their end. */
function parseChoice(scanner: TemplateScanner, word: string): Part {
  const [name] = scanner.declaration(1) ?? [];
  const pipeline = parsePipeline(scanner);
  close(scanner);
  const { body, otherwise } = parseBranches(scanner, word);
  return (outer) => {
    const value = pipeline(outer);
    const scope = inner(outer);
    if (name !== undefined) scope.variables.declare(name, value);
    if (!isTrue(value)) return otherwise(scope);
    return body(word === 'with' ? { ...scope, dot: value } : scope);
  };
}

function parseRange(scanner: TemplateScanner): Part {
  const names = scanner.declaration(2) ?? [];
  const pipeline = parsePipeline(scanner);
  close(scanner);
  const { body, otherwise } = parseBranches(scanner, 'range');
  return (outer) => {
    const entries = entriesOf(pipeline(outer));
    if (entries.length === 0) return otherwise(inner(outer));
    return entries
      .map(([key, dot]) => {
        const scope = { ...inner(outer), dot };
        // One alone is the value.
        const values = names.length === 2 ? [key, dot] : [dot];
        for (const [index, name] of names.entries()) scope.variables.declare(name, values[index]);
        return body(scope);
      })
      .join('');
  };
}

const inner = (scope: Scope): Scope => ({ ...scope, variables: new Variables(scope.variables) });

function parseBranches(scanner: TemplateScanner, opener: string): { body: Part; otherwise: Part } {
  const { parts, ending } = parseParts(scanner, opener);
  const body = joined(parts);
  if (ending === 'end') return { body, otherwise: () => '' };
  if (ending === 'else if') {
    scanner.take(/\s+/y);
    return { body, otherwise: parseChoice(scanner, 'if') };
  }
  const last = parseParts(scanner, opener);
  if (last.ending !== 'end') scanner.fail('{{else}} twice');
  return { body, otherwise: joined(last.parts) };
}

/** The end of an action; `-}}` takes the blanks after it away. */
function close(scanner: TemplateScanner): void {
  if (scanner.take(/\s+-\}\}\s*/y) === undefined) scanner.need(/\s*\}\}/y, '"}}"');
}

const joined =
  (parts: Part[]): Part =>
  (scope) =>
    parts.map((part) => part(scope)).join('');

/** Of an object its values by their keys, in their order, as in Go. */
function entriesOf(value: Data): [Data, Data][] {
  if (Array.isArray(value)) return [...value.entries()];
  if (!isObject(value)) return [];
  return Object.keys(value)
    .sort()
    .map((key) => [key, value[key]]);
}

const unescapedText = (text: string): string => text.replaceAll(/\\[ntr\\]/g, unescaped);
