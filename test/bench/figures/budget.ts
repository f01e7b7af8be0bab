import type { Figures } from './stats.ts';

/**
 * What is promised for a row, and whether it holds: `p50 2.5, p99 12`, or `< 5`, `<= 2` and `>= 40` of the median, or
 * `2.5 x NAME` of another row's, in the same run on the same machine. Empty where nothing is promised.
 */
export function budgetCell(row: Figures, rows: readonly Figures[]): string {
  if (row.budget === undefined) return '';
  const holds = isMet(row, row.budget, rows);
  if (holds === undefined) return `${row.budget}: not compared`;
  return holds ? `${row.budget}: met` : `**${row.budget}: over**`;
}

/** Undefined: what it is measured against was not there. */
function isMet(row: Figures, budget: string, rows: readonly Figures[]): boolean | undefined {
  const [, times, name] = /^([\d.]+) x (.+)$/.exec(budget) ?? [];
  if (name === undefined) return budget.split(', ').every((term) => holdsFor(row, term));
  const other = rows.find((each) => each.name === name || each.name.endsWith(`: ${name}`));
  return other && row.median <= Number(times) * other.median;
}

const bounds: Record<string, (row: Figures, bound: number) => boolean> = {
  p50: ({ median }, bound) => median <= bound,
  p99: ({ p99 }, bound) => p99 <= bound,
  '<': ({ median }, bound) => median < bound,
  '<=': ({ median }, bound) => median <= bound,
  '>=': ({ median }, bound) => median >= bound,
};

function holdsFor(row: Figures, term: string): boolean {
  const [word, bound] = term.split(' ');
  const holds = bounds[word!];
  if (holds === undefined) throw new Error(`${row.name}: nobody knows what the budget ${term} means`);
  return holds(row, Number(bound));
}
