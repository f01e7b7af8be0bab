import stringWidth from 'string-width';

interface Fitting {
  title: string;
  /** Those above 0 go before anything is cut, the highest first; the others in need. */
  spare?: number;
  whole?: boolean;
  folds?: boolean;
  least?: number;
}

export interface Fitted {
  /** Indexes of those that are shown, a row of the table in so many lines: more than one only in need. */
  lines: number[][];
  /** The text as the column at this index has room for it; of one that folds, in lines. */
  cut(text: string, at: number): string;
}

/** No column is cut shorter than this, where it does not say so itself. */
const LEAST = 8;

/**
 * Makes a table as narrow as the terminal, since a row over two lines can be read by nobody: columns that can be spared
 * go first, then the widest texts are cut, or folded where they say what to do. Where that is not enough, columns go that
 * are spared in need, and in the end a row is broken between two columns. What should stay whole is never cut.
 * @param width undefined: whatever it takes
 */
export function fitted(
  columns: readonly Fitting[],
  rows: readonly string[][],
  { width = Number.POSITIVE_INFINITY, gap }: { width?: number | undefined; gap: number },
): Fitted {
  const natural = columns.map(({ title }, at) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[at]!)), stringWidth(title)),
  );
  const kept = columns.map((_, at) => at);
  const excess = (shown: number[], widths: number[], room = width): number =>
    shown.reduce((sum, at) => sum + widths[at]! + gap, -gap) - room;
  const narrowed = (shown: number[], room = width): number[] => {
    const widths = [...natural];
    while (excess(shown, widths, room) > 0) {
      const wide = shown.filter((at) => !columns[at]!.whole && widths[at]! > leastOf(columns[at]!));
      if (wide.length === 0) break;
      const widest = wide.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
      const second = Math.max(0, ...wide.filter((at) => at !== widest).map((at) => widths[at]!));
      widths[widest] = Math.max(
        leastOf(columns[widest]!),
        Math.min(second, widths[widest]! - 1),
        widths[widest]! - excess(shown, widths, room),
      );
    }
    return widths;
  };
  const spares = kept.filter((at) => columns[at]!.spare !== undefined);
  spares.sort((a, b) => columns[b]!.spare! - columns[a]!.spare!);
  for (const at of spares) {
    const inNeed = columns[at]!.spare! <= 0;
    if (excess(kept, inNeed ? narrowed(kept) : natural) > 0) kept.splice(kept.indexOf(at), 1);
  }
  const lines = broken(kept, narrowed(kept), { width, gap });
  const widths = [...natural];
  for (const [at, line] of lines.entries()) {
    const narrow = narrowed(line, at === 0 ? width : width - gap);
    for (const column of line) widths[column] = narrow[column]!;
  }
  const cut = (text: string, at: number): string =>
    columns[at]!.folds ? folded(text, widths[at]!).join('\n') : shortened(text, widths[at]!);
  return { lines, cut };
}

/** The columns in lines of that width, those after the first with a gap before them. */
function broken(
  kept: number[],
  widths: number[],
  { width, gap }: { width: number; gap: number },
): number[][] {
  const lines: number[][] = [];
  let end = -gap;
  for (const at of kept) {
    end += gap + widths[at]!;
    if (lines.length > 0 && end <= width) lines.at(-1)!.push(at);
    else {
      if (lines.length > 0) end = gap + widths[at]!;
      lines.push([at]);
    }
  }
  return lines;
}

const leastOf = ({ title, least = LEAST }: Fitting): number => Math.max(least, stringWidth(title));

/** In lines of at most so many columns of a terminal: broken at spaces, and within a word that is longer than a line. */
export function folded(text: string, width: number): string[] {
  if (stringWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    const longer: string = line === undefined ? word : `${line} ${word}`;
    if (line === undefined || stringWidth(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line ?? ''];
}

function pieces(word: string, width: number): string[] {
  const found = [''];
  for (const character of word) {
    if (stringWidth(found.at(-1)! + character) > width) found.push('');
    found[found.length - 1] += character;
  }
  return found;
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
