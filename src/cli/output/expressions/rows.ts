import { FsbError } from '../../../core/model/failure/errors.ts';
import { insteadOfField } from '../../docker/fields.ts';
import { nearest } from '../nearest.ts';
import { type Data, isObject } from './values.ts';

/** What an expression is evaluated on: the rows are all of the same form, so that a field which one has not is a slip. */
export interface Root {
  data: Data;
  rows: ReadonlySet<Data>;
}

export const rootOf = (data: Data): Root => ({
  data,
  rows: new Set((Array.isArray(data) ? data : [data]).filter(isObject)),
});

export class NoField extends FsbError {
  constructor(name: string, known: readonly string[]) {
    super('invalid_argument', `there is no field ${JSON.stringify(name)}`, {
      hint: insteadOfField(name) ?? nearest(name, known, 'docs/output.md'),
    });
  }
}
