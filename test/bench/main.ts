/**
 * The benchmarks: `npm run bench`, `npm run bench -- --json FILE`, `npm run bench -- --quick`.
 * Everything runs against the production bundle in a process of its own, and next to `runc run` (and `docker ps`, where
 * an engine runs) in the same run.
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { startBenchCore } from './bench-core.ts';
import { burst, claimCases, coldCase, execCase } from './claim.ts';
import { bootCase, memoryCase, refillCase } from './pool.ts';
import { processCases } from './processes.ts';
import { type Figures, markdownTable } from './stats.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const scale = values.quick ? 0.2 : 1;
const rows: Figures[] = [];

console.log(
  `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Linux ${release()}, Node ${process.version}\n`,
);
{
  await using core = await startBenchCore(['--warm', 'host=4', '--max', '64']);
  rows.push(...(await claimCases(core, scale)));
  rows.push(await execCase(core, scale));
  rows.push(await coldCase(core, scale));
  rows.push(...(await processCases(core, scale)));
}
{
  await using core = await startBenchCore(['--warm', 'host=50', '--max', '120']);
  rows.push(await burst(core, scale, 'claim to first byte, 50 at once, all warm', 50, 'p99 60'));
}
rows.push(await bootCase(scale));
rows.push(await refillCase());
rows.push(await memoryCase());

console.log(markdownTable(rows));
if (values.json) writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`);
process.exitCode = rows.some(({ failures }) => failures > 0) ? 1 : 0;
