import { FsbError } from '../../../core/model/failure/errors.ts';
import { assertMayLack, type Root } from './rows.ts';
import { templateFunctions } from './template-functions.ts';
import type { TemplateScanner, Variables } from './template-variables.ts';
import { type Data, isObject, keyOf, textOf, withDocker } from './values.ts';

export interface Scope {
  /** The row: `$`. */
  root: Root;
  /** Further fields of the row, by the names that docker gives them. */
  docker: Record<string, Data>;
  /** The same as docker's JSON has it. */
  inJson: () => Record<string, Data>;
  /** What `range` and `with` are at, else the row: `.` */
  dot: Data;
  variables: Variables;
}

export type Pipeline = (scope: Scope) => Data;

/** `.labels | json`, `join .command " "`, `eq .phase "Running"`. @throws invalid_argument */
export function parsePipeline(scanner: TemplateScanner): Pipeline {
  let pipeline = parseCommand(scanner, undefined);
  while (scanner.take(/\s*\|\s*/y) !== undefined) pipeline = parseCommand(scanner, pipeline);
  return pipeline;
}

/** @param before what is piped in: the last argument */
function parseCommand(scanner: TemplateScanner, before: Pipeline | undefined): Pipeline {
  scanner.take(/\s+/y);
  const start = scanner.at;
  const name = scanner.take(/(?!(?:true|false|nil)\b)[A-Za-z]\w*/y);
  if (name === undefined) {
    if (before !== undefined) scanner.need(/[A-Za-z]/y, 'a function');
    const label = parseLabel(scanner);
    if (label !== undefined) return label;
    return parseOperand(scanner) ?? (scanner.need(/\./y, 'a field like .name, or a function') as never);
  }
  const known = Object.hasOwn(templateFunctions, name) ? templateFunctions[name]! : undefined;
  if (known === undefined) return scanner.unknown('function', name, Object.keys(templateFunctions), start);
  const given = parseArguments(scanner);
  if (before !== undefined) given.push(before);
  if (given.length < known.least || given.length > known.most)
    scanner.fail(`${name} takes ${countText(known)}, not ${given.length}`, { at: start });
  const whole = name === 'json' ? wholeOf : (value: Data): Data => value;
  return (scope) => known.apply(given.map((argument) => whole(argument(scope), scope)));
}

/** `.Label "team"`, docker's one field that is asked: the label of that name. */
function parseLabel(scanner: TemplateScanner): Pipeline | undefined {
  if (scanner.take(/\.Label(?=\s+["'`$.(])/y) === undefined) return undefined;
  const [key] = parseArguments(scanner);
  return (scope) => keyOf(fieldOf(scope.dot, 'labels', scope), textOf(key!(scope)));
}

/** The row itself, as a value, is what `--format json` prints of it. */
export const wholeOf = (value: Data, { root, inJson }: Scope): Data =>
  value === root.data && isObject(value) ? withDocker(value, inJson()) : value;

function countText({ least, most }: { least: number; most: number }): string {
  if (most === Number.POSITIVE_INFINITY) return `at least ${least} arguments`;
  const count = least === most ? String(least) : `${least} to ${most}`;
  return `${count} argument${count === '1' ? '' : 's'}`;
}

function parseArguments(scanner: TemplateScanner): Pipeline[] {
  const found: Pipeline[] = [];
  while (scanner.take(/\s+(?![|)}]|-\}\})/y) !== undefined) {
    const operand = parseOperand(scanner);
    found.push(operand ?? (scanner.need(/\./y, 'a field, a text or a number') as never));
  }
  return found;
}

/** A field, a text, a number, or a pipeline in parentheses. */
function parseOperand(scanner: TemplateScanner): Pipeline | undefined {
  const text = scanner.quoted() ?? scanner.take(/`[^`]*`/y)?.slice(1, -1);
  if (text !== undefined) return () => text;
  const literal = scanner.take(/-?\d+(?:\.\d+)?\b|(?:true|false|nil)\b/y);
  if (literal !== undefined) return () => (literal === 'nil' ? null : JSON.parse(plainNumber(literal)));
  if (scanner.take(/\(\s*/y) !== undefined) {
    const inner = parsePipeline(scanner);
    scanner.need(/\s*\)/y, '")"');
    return parseFields(scanner, inner);
  }
  const name = scanner.variable();
  if (name !== undefined) return parseFields(scanner, ({ variables }) => variables.get(name));
  if (scanner.take(/\$/y) !== undefined) return parseFields(scanner, ({ root }) => root.data);
  if (scanner.take(/(?=\.\w)/y) !== undefined) return parseFields(scanner, ({ dot }) => dot);
  return scanner.take(/\./y) === undefined ? undefined : ({ dot }) => dot;
}

const plainNumber = (literal: string): string => literal.replace(/^(-?)0+(?=\d)/, '$1');

function parseFields(scanner: TemplateScanner, from: Pipeline): Pipeline {
  let value = from;
  for (let name = takeField(scanner); name !== undefined; name = takeField(scanner)) {
    const [before, key] = [value, name];
    value = (scope) => fieldOf(before(scope), key, scope);
  }
  return value;
}

const takeField = (scanner: TemplateScanner): string | undefined => scanner.take(/\.\w+/y)?.slice(1);

/**
 * `.exit_code`, or as docker users write it: `.ExitCode`. A name that is docker's to the letter is what docker has by it:
 * `.Labels` is a text, `.labels` an object.
 * @throws invalid_argument when there is no such field, or what is asked is no object. Where keys are the user's own, it is
 * nothing.
 */
function fieldOf(value: Data, name: string, { root, docker }: Scope): Data {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value))
    throw new FsbError('invalid_argument', `there is no field ${JSON.stringify(name)} in a ${typeof value}`, {
      hint: 'See with -o json what there is.',
    });
  const all = value === root.data ? [value, docker] : [value];
  const holder = all.find((fields) => Object.hasOwn(fields, name));
  if (holder !== undefined) return holder[name];
  for (const fields of all) {
    const key = Object.keys(fields).find((each) => fold(each) === fold(name));
    if (key !== undefined) return fields[key];
  }
  assertMayLack(value, name, root, all.flatMap(Object.keys));
  return undefined;
}

const fold = (name: string): string => name.replaceAll('_', '').toLowerCase();
