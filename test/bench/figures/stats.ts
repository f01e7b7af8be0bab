import { budgetCell } from './budget.ts';

/** The figures of one case, all in milliseconds unless `unit` says otherwise. */
export interface Figures {
  name: string;
  unit: string;
  runs: number;
  failures: number;
  median: number;
  p95: number;
  p99: number;
  max: number;
  /** What is promised for it, in the words of budget.ts. */
  budget?: string;
}

export interface Samples {
  samples: number[];
  failures: number;
}

export function percentile(sorted: number[], fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)]!;
}

export function figures(
  name: string,
  { samples, failures }: Samples,
  options: { unit?: string; budget?: string } = {},
): Figures {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    name,
    unit: 'ms',
    runs: samples.length + failures,
    failures,
    median: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    ...options,
  };
}

/** One figure that is no distribution. */
export const single = (name: string, value: number, unit: string, budget?: string): Figures =>
  figures(name, { samples: [value], failures: 0 }, { unit, budget });

/** Times `work` so many times, one after the other; a rejection counts as a failure and gives no sample. */
export async function sample(
  runs: number,
  work: (run: number) => Promise<number | undefined>,
): Promise<Samples> {
  const found: Samples = { samples: [], failures: 0 };
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    try {
      const own = await work(run);
      found.samples.push(own ?? performance.now() - begin);
    } catch (error) {
      fail(found, error);
    }
  }
  return found;
}

/** Waits for all of these at once; as `sample`. */
export async function sampleTogether(works: Promise<number>[]): Promise<Samples> {
  const found: Samples = { samples: [], failures: 0 };
  for (const work of await Promise.allSettled(works)) {
    if (work.status === 'fulfilled') found.samples.push(work.value);
    else fail(found, work.reason);
  }
  return found;
}

/** Counts a failure; the first one is shown. */
export function fail(found: Samples, error: unknown): void {
  found.failures += 1;
  if (found.failures === 1) console.error(`first failure: ${error instanceof Error ? error.message : error}`);
}

export function add(to: Samples, { samples, failures }: Samples): void {
  to.samples.push(...samples);
  to.failures += failures;
}

const format = (value: number): string =>
  Number.isNaN(value) ? '-' : value >= 100 ? value.toFixed(0) : value.toFixed(2);

export function markdownTable(rows: Figures[]): string {
  const lines = rows.map((row) => {
    const numbers = [row.p95, row.p99, row.max].map(format).join(' | ');
    return `| ${row.name} | ${format(row.median)} ${row.unit} | ${numbers} | ${row.runs} | ${row.failures} | ${budgetCell(row, rows)} |`;
  });
  return [
    '| what | median | p95 | p99 | max | runs | failures | budget |',
    '|---|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
