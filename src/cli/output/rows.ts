import { printable } from './output.ts';

export type Rows = [title: string, value: string | null | undefined][];

/** `Name:  value` lines, the values below each other; without those that have no value. */
export function describeRows(rows: Rows): string {
  const shown = rows.flatMap(([title, value]) => (value ? [[title, value] as const] : []));
  const width = Math.max(...shown.map(([title]) => title.length)) + 3;
  return shown.map(([title, value]) => `${`${title}:`.padEnd(width)}${printable(value)}\n`).join('');
}
