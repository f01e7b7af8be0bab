import { FsbError } from '../../../core/model/failure/errors.ts';
import { insteadOfField } from '../../docker/fields.ts';
import { nearest } from '../nearest.ts';
import { type Data, isObject } from './values.ts';

/** What an expression is evaluated on: its objects have every field, so that one which has not is a slip. */
export interface Root {
  data: Data;
  /** Keys in this one are somebody's own, or may be left out: what is not there is nothing. */
  isOpen(value: Data): boolean;
}

/** @param more with names of their own for what is in the data */
export function rootOf(data: Data, more?: Data): Root {
  let open: Set<Data> | undefined;
  const isOpen = (value: Data): boolean => {
    // Only for a name that is not there.
    open ??= new Set([data, more].flatMap((each) => openIn(each)));
    return open.has(value);
  };
  return { data, isOpen };
}

/** By the name of the object: keys that users write, or count, and those of what is given in part. */
const OPEN: ReadonlySet<string> = new Set(['labels', 'envs', 'phases', 'resources', 'tls', 'warm']);
/** What has no value is left out of what `run -f` takes. */
const LEFT_OUT: ReadonlySet<string> = new Set(['ttl']);

function openIn(value: Data, name = ''): Data[] {
  if (Array.isArray(value)) return value.flatMap((each) => openIn(each, name));
  if (!isObject(value)) return [];
  const inner = Object.entries(value).flatMap(([key, each]) => openIn(each, key));
  return OPEN.has(name.toLowerCase()) ? [value, ...inner] : inner;
}

/** @param known the fields that there are. @throws NoField where the object should have all that it may have */
export function assertMayLack(value: Data, name: string, root: Root, known: readonly string[]): void {
  if (!LEFT_OUT.has(name) && !root.isOpen(value)) throw new NoField(name, known);
}

export class NoField extends FsbError {
  constructor(name: string, known: readonly string[]) {
    super('invalid_argument', `there is no field ${JSON.stringify(name)}`, {
      hint: insteadOfField(name) ?? nearest(name, known, 'docs/output.md'),
    });
  }
}
