import type { OUTPUT_FORMATS } from '../flags.ts';

export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What one cell means, where that decides its colour. */
export type Tone = 'good' | 'busy' | 'bad' | 'plain';

export interface Column<T> {
  title: string;
  /** Only with `-o wide`. */
  wide?: boolean;
  value(item: T): string;
  tone?(item: T): Tone;
}

/** A result, ready to be shown in every format. `T` is a view: plain data with stable snake_case names. */
export interface Listing<T> {
  items: T[];
  columns: Column<T>[];
  /** For `-o name`. */
  name(item: T): string;
  /** For `-q`; default: the name. */
  id?(item: T): string;
  /** One object, not a list, in JSON and YAML. */
  single?: boolean;
  /** Left out of the plain table where it is false; `-o wide` and programs get all. */
  inTable?(item: T): boolean;
  /** Instead of the table, for a single thing with much to say. */
  describe?(item: T, options: RenderOptions): string | Promise<string>;
}

export interface RenderOptions {
  format: OutputFormat;
  quiet: boolean;
  colors: boolean;
}

/** The text for stdout, with its last newline; empty when there is nothing to print. */
export async function render<T>(listing: Listing<T>, options: RenderOptions): Promise<string> {
  const { items } = listing;
  const data = listing.single ? items[0] : items;
  if (options.format === 'json') return `${JSON.stringify(data, null, 2)}\n`;
  if (options.format === 'yaml') {
    const { stringify } = await import('yaml');
    return stringify(data, { aliasDuplicateObjects: false });
  }
  if (options.quiet) return lines(items.map(listing.id ?? listing.name));
  if (options.format === 'name') return lines(items.map(listing.name));
  if (listing.describe && items[0] !== undefined) return listing.describe(items[0], options);
  const { inTable = () => true } = listing;
  return renderTable(options.format === 'wide' ? items : items.filter(inTable), listing.columns, options);
}

/** Each once: several rows may be about the same thing. */
const lines = (words: string[]): string => [...new Set(words)].map((word) => `${printable(word)}\n`).join('');

/** Title and rows, with nothing but spaces between the columns. */
export async function renderTable<T>(
  items: T[],
  columns: Column<T>[],
  options: RenderOptions,
): Promise<string> {
  const [{ default: Table }, paint] = await Promise.all([import('cli-table3'), painter(options.colors)]);
  const shown = columns.filter((column) => !column.wide || options.format === 'wide');
  const table = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(shown.map((column) => column.title));
  for (const item of items)
    table.push(shown.map((column) => paint(cell(column.value(item)), column.tone?.(item) ?? 'plain')));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
};

const cell = (text: string): string => (text === '' ? '-' : printable(text));

/** Control characters in what others wrote (an image name, a reason) must not drive our terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** The same for a text of several lines. */
export const printableText = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '?');

async function painter(colors: boolean): Promise<(text: string, tone: Tone) => string> {
  if (!colors) return (text) => text;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const paints = { good: chalk.green, busy: chalk.yellow, bad: chalk.red, plain: (text: string) => text };
  return (text, tone) => paints[tone](text);
}
