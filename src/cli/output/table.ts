import type { Column, RenderOptions, Tone } from './listing.ts';

/** Title and rows, with nothing but spaces between the columns. */
export async function renderTable<T>(
  items: T[],
  columns: Column<T>[],
  options: RenderOptions,
): Promise<string> {
  const [{ default: Table }, { fitted }, paint] = await Promise.all([
    import('cli-table3'),
    import('./fit.ts'),
    painter(options.colors),
  ]);
  const shown = columns.filter((column) => !column.wide || options.format === 'wide');
  const rows = items.map((item) => shown.map((column) => cell(column.value(item))));
  const room = options.format === 'wide' ? undefined : options.width;
  const { columns: kept, cut } = fitted(shown, rows, { width: room, gap: GAP.length });
  const table = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(kept.map((at) => shown[at]!.title));
  for (const [row, item] of items.entries())
    table.push(kept.map((at) => paint(cut(rows[row]![at]!, at), shown[at]!.tone?.(item) ?? 'plain')));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

const GAP = '   ';

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
  middle: GAP,
};

const cell = (text: string): string => (text === '' ? '-' : printable(text));

const DRIVING = String.raw`[\p{Cc}\p{Bidi_Control}\u2028\u2029]`;

/**
 * What others wrote (an image name, a reason, a command of a guest) must not drive our terminal, nor show its characters
 * in another order than they have.
 */
export const printable = (text: string): string => text.replaceAll(new RegExp(DRIVING, 'gu'), '?');

/** The same for a text of several lines. */
export const printableText = (text: string): string =>
  text.replaceAll(new RegExp(String.raw`(?![\n\t])${DRIVING}`, 'gu'), '?');

async function painter(colors: boolean): Promise<(text: string, tone: Tone) => string> {
  if (!colors) return (text) => text;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const paints = { good: chalk.green, busy: chalk.yellow, bad: chalk.red, plain: (text: string) => text };
  return (text, tone) => paints[tone](text);
}
