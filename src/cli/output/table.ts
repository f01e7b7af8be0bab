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
  const { lines, cut } = fitted(shown, rows, { width: room, gap: GAP.length });
  const cells = rows.map((row, at) =>
    row.map((text, column) => paint(cut(text, column), shown[column]!.tone?.(items[at]!) ?? 'plain')),
  );
  const all = [shown.map(({ title }) => title), ...cells];
  const tables = lines.map((line, at) => {
    const table = new Table({
      chars: { ...noBorders, left: at === 0 ? '' : GAP },
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    });
    table.push(...all.map((row) => line.map((column) => row[column]!)));
    return table.toString().split('\n');
  });
  const heights = lines.map((line) => all.map((row) => Math.max(...line.map((at) => linesOf(row[at]!)))));
  return all
    .flatMap((_, row) => tables.flatMap((table, at) => table.splice(0, heights[at]![row])))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

const linesOf = (text: string): number => text.split('\n').length;

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
