import type { TerminalSize } from '../../model/process.ts';
import type { Fields } from './query-fields.ts';

/** A terminal's size in a URL: `rows` and `cols`. */

export function withSize(query: URLSearchParams, size: TerminalSize | undefined): URLSearchParams {
  if (size !== undefined) {
    query.set('rows', String(size.rows));
    query.set('cols', String(size.cols));
  }
  return query;
}

export function sizeOf(fields: Pick<Fields<{ rows: 'count'; cols: 'count' }>, 'rows' | 'cols'>): {
  size?: TerminalSize;
} {
  if (fields.rows === undefined || fields.cols === undefined) return {};
  return { size: { rows: fields.rows, cols: fields.cols } };
}
