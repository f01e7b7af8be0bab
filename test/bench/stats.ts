/** The figures of one case, all in milliseconds unless `unit` says otherwise. */
export interface Figures {
  name: string;
  unit: string;
  runs: number;
  failures: number;
  median: number;
  p95: number;
  p99: number;
  /** What design and README promise for it, in words. */
  budget?: string;
}

export function percentile(sorted: number[], fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)]!;
}

export function figures(name: string, samples: number[], options: Partial<Figures> = {}): Figures {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    name,
    unit: 'ms',
    runs: samples.length + (options.failures ?? 0),
    failures: 0,
    median: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    ...options,
  };
}

/** Times `work` so many times, one after the other; a rejection counts as a failure and gives no sample. */
export async function sample(
  runs: number,
  work: (run: number) => Promise<number | undefined>,
): Promise<{ samples: number[]; failures: number }> {
  const samples: number[] = [];
  let failures = 0;
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    try {
      const own = await work(run);
      samples.push(own ?? performance.now() - begin);
    } catch (error) {
      failures += 1;
      if (failures === 1) console.error(`first failure: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { samples, failures };
}

const format = (value: number): string =>
  Number.isNaN(value) ? '-' : value >= 100 ? value.toFixed(0) : value.toFixed(2);

export function markdownTable(rows: Figures[]): string {
  const lines = rows.map(
    (r) =>
      `| ${r.name} | ${format(r.median)} ${r.unit} | ${format(r.p95)} | ${format(r.p99)} | ${r.runs} | ${r.failures} | ${r.budget ?? ''} |`,
  );
  return [
    '| what | median | p95 | p99 | runs | failures | budget |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
