const LONGEST_BAR = 50;
/** One that is shorter tells nothing. */
const SHORTEST_BAR = 5;

/** How far something is, in one unit; a total of 0: nobody knows. */
export interface Measure {
  current: number;
  total: number;
}

/** `3.1MB/12MB` @param size says an amount */
export const howFar = ({ current, total }: Measure, size: (amount: number) => string): string =>
  total > 0 ? `${size(Math.min(current, total))}/${size(total)}` : size(current);

/** `Copying ... [=====>    ] 3.1MB/12MB`, in at most `width` columns. */
export function barLine(
  text: string,
  measure: Measure,
  size: (amount: number) => string,
  width: number,
): string {
  const far = howFar(measure, size);
  const room = Math.min(width - text.length - far.length - ' [] '.length, LONGEST_BAR);
  const bar = room < SHORTEST_BAR || measure.total <= 0 ? '' : ` [${barOf(measure, room)}]`;
  return `${text}${bar} ${far}`.slice(0, width);
}

function barOf({ current, total }: Measure, width: number): string {
  const filled = Math.floor((Math.min(current, total) / total) * width);
  return filled >= width ? '='.repeat(width) : `${'='.repeat(filled)}>`.padEnd(width);
}
