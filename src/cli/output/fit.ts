import stringWidth from 'string-width';

interface Fitting {
  title: string;
  spare?: number;
}

export interface Fitted {
  /** Indexes of those that are shown. */
  columns: number[];
  /** The text as the column at this index has room for it. */
  cut(text: string, at: number): string;
}

/** No column is cut shorter than this. */
const LEAST = 8;

/**
 * Makes a table as narrow as the terminal, since a row over two lines can be read by nobody: columns that can be spared
 * go first, then the widest texts are cut. What fits in no way is left as it is.
 * @param width undefined: whatever it takes
 */
export function fitted(
  columns: readonly Fitting[],
  rows: readonly string[][],
  { width = Number.POSITIVE_INFINITY, gap }: { width?: number | undefined; gap: number },
): Fitted {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[at]!)), stringWidth(title)),
  );
  const kept = columns.map((_, at) => at);
  const excess = (): number => kept.reduce((sum, at) => sum + widths[at]! + gap, -gap) - width;
  const spares = kept.filter((at) => columns[at]!.spare !== undefined);
  spares.sort((a, b) => columns[b]!.spare! - columns[a]!.spare!);
  for (const at of spares) if (excess() > 0) kept.splice(kept.indexOf(at), 1);
  while (excess() > 0) {
    const widest = kept.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
    const least = Math.max(LEAST, stringWidth(columns[widest]!.title));
    if (widths[widest]! <= least) break;
    const second = Math.max(0, ...kept.filter((at) => at !== widest).map((at) => widths[at]!));
    widths[widest] = Math.max(least, Math.min(second, widths[widest]! - 1), widths[widest]! - excess());
  }
  return { columns: kept, cut: (text, at) => shortened(text, widths[at]!) };
}

/** In columns of a terminal, where some characters take two and some none. */
function shortened(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let cut = '';
  let room = width - 1;
  for (const character of text) {
    room -= stringWidth(character);
    if (room < 0) break;
    cut += character;
  }
  return `${cut}…`;
}
