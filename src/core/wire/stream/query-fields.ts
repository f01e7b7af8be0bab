import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';

/** Kinds of URL query fields. `count`: whole, from 0. `time`: milliseconds since the epoch, or RFC 3339. `flag`: true, false, 1, 0, or bare. */
interface Kinds {
  text: string | undefined;
  texts: string[];
  flag: boolean | undefined;
  count: number | undefined;
  number: number | undefined;
  time: number | undefined;
}

export type Schema = Record<string, keyof Kinds>;
export type Fields<S extends Schema> = { [Name in keyof S]: Kinds[S[Name]] };

/** @throws invalid_argument for an unknown field, one given twice, or one that does not read as its kind */
export function readFields<const S extends Schema>(query: URLSearchParams, schema: S): Fields<S> {
  for (const name of query.keys()) assertKnown(name, schema);
  return Object.fromEntries(
    Object.entries(schema).map(([name, kind]) => [name, readField(name, kind, query.getAll(name))]),
  ) as Fields<S>;
}

function assertKnown(name: string, schema: Schema): void {
  if (Object.hasOwn(schema, name)) return;
  const near = didYouMean(name, Object.keys(schema));
  throw new FsbError('invalid_argument', `unknown query field ${JSON.stringify(name)}`, {
    hint: near === undefined ? `Known are ${Object.keys(schema).join(', ')}.` : `Did you mean ${near}?`,
  });
}

function readField(name: string, kind: keyof Kinds, values: string[]): Kinds[keyof Kinds] {
  if (kind === 'texts') return values;
  if (values.length > 1)
    throw new FsbError('invalid_argument', `query field ${name} is given more than once`);
  const [value] = values;
  if (value === undefined || kind === 'text') return value;
  const parsed = kind === 'flag' ? decodeFlag(value) : readNumber(kind, value);
  if (parsed !== undefined) return parsed;
  throw new FsbError('invalid_argument', `query field ${name}: ${JSON.stringify(value)} is no ${kind}`);
}

/** Undefined when it is none. */
export function decodeFlag(value: string): boolean | undefined {
  if (value === '' || value === 'true' || value === '1') return true;
  return value === 'false' || value === '0' ? false : undefined;
}

/** Undefined when it is no whole number from 0. */
export function decodeCount(value: string): number | undefined {
  const number = Number(value);
  return value.trim() !== '' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function readNumber(kind: 'count' | 'number' | 'time', value: string): number | undefined {
  if (value.trim() === '') return undefined;
  const number = Number(value);
  if (kind === 'count') return decodeCount(value);
  if (kind === 'number') return Number.isFinite(number) ? number : undefined;
  const time = Number.isFinite(number) ? number : Date.parse(value);
  return Number.isFinite(time) ? time : undefined;
}
