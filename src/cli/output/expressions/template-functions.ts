import { FsbError } from '../../../core/model/failure/errors.ts';
import { type Data, elementOf, isObject, isTrue, keyOf, ordered, same, textOf } from './values.ts';

interface TemplateFunction {
  /** How many arguments, the piped one included. */
  least: number;
  most: number;
  apply(given: Data[]): Data;
}

const of = (least: number, most: number, apply: (...given: Data[]) => Data): TemplateFunction => ({
  least,
  most,
  apply: (given) => apply(...given),
});

const MANY = Number.POSITIVE_INFINITY;

/** docker's and Go's, by their names there. */
export const templateFunctions: Record<string, TemplateFunction> = {
  json: of(1, 1, (value) => JSON.stringify(value ?? null)),
  join: of(2, 2, join),
  split: of(2, 2, (text, separator) => textOf(text).split(textOf(separator))),
  upper: of(1, 1, (text) => textOf(text).toUpperCase()),
  lower: of(1, 1, (text) => textOf(text).toLowerCase()),
  title: of(1, 1, (text) => textOf(text).replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())),
  truncate: of(2, 2, (text, length) => [...textOf(text)].slice(0, Number(length)).join('')),
  pad: of(3, 3, (text, before, after) => `${blanks(before)}${textOf(text)}${blanks(after)}`),
  len: of(1, 1, lengthOf),
  index: of(2, MANY, (value, ...keys) => keys.reduce(partOf, value)),
  slice: of(2, 3, sliceOf),
  print: of(0, MANY, (...given) => given.map(textOf).join('')),
  println: of(0, MANY, (...given) => `${given.map(textOf).join(' ')}\n`),
  printf: of(1, MANY, (format, ...given) => printf(textOf(format), given)),
  eq: of(2, MANY, (value, ...others) => others.some((other) => same(value, other))),
  ne: of(2, 2, (a, b) => !same(a, b)),
  lt: of(
    2,
    2,
    ordered((difference) => difference < 0),
  ),
  le: of(
    2,
    2,
    ordered((difference) => difference <= 0),
  ),
  gt: of(
    2,
    2,
    ordered((difference) => difference > 0),
  ),
  ge: of(
    2,
    2,
    ordered((difference) => difference >= 0),
  ),
  and: of(1, MANY, (...given) => given[firstIndex(given, (value) => !isTrue(value))]),
  or: of(1, MANY, (...given) => given[firstIndex(given, isTrue)]),
  not: of(1, 1, (value) => !isTrue(value)),
};

/** Of the first that fits, else the last one's. */
function firstIndex(given: Data[], fits: (value: Data) => boolean): number {
  const index = given.findIndex(fits);
  return index === -1 ? given.length - 1 : index;
}

/** `join .command " "`, and `.command | join " "`. */
function join(first: Data, second: Data): string {
  const [list, separator] = Array.isArray(first) ? [first, second] : [second, first];
  if (!Array.isArray(list)) throw wrong(`join needs a list, not ${JSON.stringify(list ?? null)}`);
  return list.map(textOf).join(textOf(separator));
}

function lengthOf(value: Data): number {
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : [...textOf(value)].length;
}

const partOf = (value: Data, key: Data): Data =>
  typeof key === 'number' ? elementOf(value, key) : keyOf(value, textOf(key));

/** `slice .ID 0 12`: of a text or a list. */
function sliceOf(value: Data, from: Data, to: Data): Data {
  const [start, end] = [Number(from), to === undefined ? undefined : Number(to)];
  return Array.isArray(value) ? value.slice(start, end) : [...textOf(value)].slice(start, end).join('');
}

/** More than that is no layout. */
const MOST_BLANKS = 1000;
const blanks = (count: Data): string =>
  ' '.repeat(Math.min(MOST_BLANKS, Math.max(0, Math.trunc(Number(count)) || 0)));

const VERB = /%(-?)(\d*)((?:\.\d*)?[\s\S]?)/g;
const VERBS = /^(?:[svdq]|\.\d+s)$/;

/** `.12s` is the first twelve. */
const cut = (text: string, verb: string): string =>
  verb.startsWith('.') ? [...text].slice(0, Number(verb.slice(1, -1))).join('') : text;

/** `%s %v %d` with a width like `%-10s`, `%.12s`, `%q`, `%%`. */
function printf(format: string, given: Data[]): string {
  let next = 0;
  return format.replaceAll(VERB, (part, left: string, width: string, verb: string) => {
    if (part === '%%') return '%';
    if (!VERBS.test(verb) || width.startsWith('0'))
      throw wrong(`printf knows %s, %.12s, %v, %d and %q, not ${part}`);
    if (next >= given.length) throw wrong(`printf has no argument for ${part}`);
    const value = given[next++];
    const said = textOf(value);
    const text = verb === 'q' ? JSON.stringify(said) : cut(said, verb);
    const size = Math.min(MOST_BLANKS, Number(width));
    return left === '' ? text.padStart(size) : text.padEnd(size);
  });
}

const wrong = (message: string): FsbError =>
  new FsbError('invalid_argument', message, { hint: 'See docs/output.md for what can be written.' });
