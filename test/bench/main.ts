/**
 * The benchmarks: `npm run bench`, with `-- --json FILE`, `--quick`, `--only claim,refill`.
 * Everything runs against the production bundle in a process of its own, and next to `runc run` and docker
 * (processes/docker-engine.ts says which) in the same run; the table says of each budget whether it holds.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { type Figures, markdownTable } from './figures/stats.ts';
import { imageRunGroup } from './images/image-run.ts';
import { pullGroup, unpackGroup } from './images/pull.ts';
import { loadGroup } from './load/load.ts';
import { othersGroup } from './processes/others.ts';
import { processGroup } from './processes/processes.ts';
import { claimGroup } from './sandboxes/claim.ts';
import { coldGroup, execGroup } from './sandboxes/exec.ts';
import { logDrainGroup } from './sandboxes/log-drain.ts';
import { memoryGroup } from './sandboxes/memory.ts';
import { refillGroup } from './sandboxes/refill.ts';

/** Each runs cores of its own. `scale`: 1, or less for a quick look. */
const groups: Record<string, (scale: number) => Promise<Figures[]>> = {
  claim: claimGroup,
  exec: execGroup,
  cold: coldGroup,
  refill: refillGroup,
  logs: logDrainGroup,
  load: loadGroup,
  memory: memoryGroup,
  process: processGroup,
  pull: pullGroup,
  unpack: unpackGroup,
  image: imageRunGroup,
  others: othersGroup,
};

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(groups).join(',') },
  },
});
const names = values.only.split(',');
const unknown = names.find((name) => !Object.hasOwn(groups, name));
if (unknown !== undefined) throw new Error(`--only ${unknown}: one of ${Object.keys(groups).join(', ')}`);

const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Linux ${release()}, Node ${process.version}`;
const load = loadavg().map((value) => value.toFixed(2));
console.log(`${machine}, load before ${load.join(' ')}\n`);
const rows: Figures[] = [];
for (const name of names) {
  console.error(`${name} ...`);
  rows.push(...(await groups[name]!(values.quick ? 0.2 : 1)));
}
console.log(markdownTable(rows));
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, load, rows }, null, 2)}\n`);
process.exitCode = rows.some(({ failures }) => failures > 0) ? 1 : 0;
