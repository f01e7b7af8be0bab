import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { createCoreMetrics } from '../../../../src/core/server/metrics/core-metrics.ts';

const ROW = /^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \|(.*?)\| .+ \| .+ \|$/gm;

interface Known {
  name: string;
  type: string;
}

const byName = (one: Known, other: Known): number => one.name.localeCompare(other.name);

/** The rows of docs/metrics.md. */
function documented(): (Known & { labels: string })[] {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8');
  return [...text.matchAll(ROW)].map(([, name, type, labels]) => ({
    name: name!,
    type: type!,
    labels: labels!,
  }));
}

async function served(): Promise<{ known: Known[]; text: string }> {
  const metrics = createCoreMetrics(systemClock);
  metrics.observeProcess();
  // One sample of each, so that their labels show.
  const meter = metrics.pool('default-pool');
  meter.claim('hit', 1);
  meter.booted('shape', 1);
  meter.bootFailed('shape', 'timeout');
  await metrics.timeCreate({}, async () => undefined);
  const text = await metrics.text({ list: async () => [], status: async () => [] });
  const known = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
    name: name!,
    type: type!,
  }));
  return { known, text };
}

it('every metric is documented, with its type, and nothing else is', async () => {
  const { known } = await served();
  const rows = documented().map(({ name, type }) => ({ name, type }));
  expect(rows.sort(byName)).toEqual(known.sort(byName));
});

it('every label is documented', async () => {
  const { text } = await served();
  const undocumented = documented().flatMap(({ name, labels }) => {
    const line = text.split('\n').find((candidate) => new RegExp(`^${name}(_sum)?\\{`).test(candidate));
    const shown = [...(line ?? '').matchAll(/[{,](\w+)="/g)].map(([, label]) => label!);
    return shown.filter((label) => !labels.includes(`\`${label}\``)).map((label) => `${name}: ${label}`);
  });
  expect(undocumented).toEqual([]);
});
