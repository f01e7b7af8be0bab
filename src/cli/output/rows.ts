import { folded } from './fit.ts';
import { printable } from './output.ts';

export type Rows = [title: string, value: string | null | undefined][];

/** Values are not folded into fewer columns. */
const LEAST = 20;

/**
 * `Name:  value` lines, the values below each other; without those that have no value.
 * @param columns of the terminal, in which long values go on in further lines; left out: they do not
 */
export function describeRows(rows: Rows, columns = Number.POSITIVE_INFINITY): string {
  const shown = rows.flatMap(([title, value]) => (value ? [[title, value] as const] : []));
  const width = Math.max(...shown.map(([title]) => title.length)) + 3;
  const room = Math.max(LEAST, columns - width);
  const next = `\n${' '.repeat(width)}`;
  return shown
    .map(([title, value]) => `${`${title}:`.padEnd(width)}${folded(printable(value), room).join(next)}\n`)
    .join('');
}
