import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreProcess } from '../helpers/core/core-process.ts';
import { traces } from '../helpers/core/traces.ts';

/** What a core and its machine have while nothing happens; its memory in bytes. */
export type Baseline = Record<string, number>;

const [HEAP, BUFFERS] = ['heap of the core', 'buffers of the core'];
/** Each of them may have grown by this much. */
const TOLERANCE = 0.1;
/** Milliseconds in which what ends by itself has ended: idle instances that nobody needs, connections. */
const PATIENCE = 60_000;

/** Of a core that has come to rest: its pool is full, and nothing changes any more. */
export async function baselineAtRest(core: CoreProcess, root: string): Promise<Baseline> {
  const deadline = performance.now() + PATIENCE;
  let last = await countsOf(core, root);
  for (let same = 0; same < 4 && performance.now() < deadline; ) {
    await delay(500);
    const next = await countsOf(core, root);
    same = isFull(next) && differences(last, next).length === 0 ? same + 1 : 0;
    last = next;
  }
  const { heap, buffers } = await core.memory();
  return { ...last, [HEAP]: heap, [BUFFERS]: buffers };
}

const isFull = ({ idle, warm, booting, stopping }: Baseline): boolean =>
  booting! + stopping! === 0 && idle === warm;

/** What was not so before; less memory is fine. */
export function differences(before: Baseline, after: Baseline): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [was = 0, is = 0] = [before[name], after[name]];
    const isFine = [HEAP, BUFFERS].includes(name) ? is <= was * (1 + TOLERANCE) : is === was;
    return isFine ? [] : [`${name}: ${was} before, ${is} after`];
  });
}

async function countsOf({ api, pid }: CoreProcess, root: string): Promise<Baseline> {
  // One after the other, over one connection, which is one of the descriptors.
  const boxes = await api.sandboxes.list({});
  const leases = await api.pools.leases();
  const shapes = await api.pools.status();
  const [left, children, descriptors, files] = await Promise.all([
    traces(root),
    childrenOf(pid),
    descriptorsOf(pid),
    filesBelow(root),
  ]);
  const kinds = ['process', 'mount', 'cgroup', 'directory'];
  const columns = ['warm', 'idle', 'claimed', 'booting', 'stopping', 'waiting'] as const;
  return {
    ...Object.fromEntries(kinds.map((kind) => [kind, left.filter((line) => line.startsWith(kind)).length])),
    children,
    ...descriptors,
    files,
    sandboxes: boxes.length,
    leases: leases.length,
    ...Object.fromEntries(columns.map((name) => [name, shapes.reduce((sum, row) => sum + row[name], 0)])),
  };
}

/** How many: the core may be removing some of them, which a listing of Node's own does not survive. */
async function filesBelow(root: string, name = ''): Promise<number> {
  const entries = await readdir(join(root, name), { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const counts = entries.map(async (entry) => {
    const path = join(name, entry.name);
    const own = /^(state|run)\//.test(path) ? 1 : 0;
    return own + (entry.isDirectory() ? await filesBelow(root, path) : 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function childrenOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const children = threads.map((thread) =>
    readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => ''),
  );
  return (await Promise.all(children))
    .join(' ')
    .split(' ')
    .filter((child) => child !== '').length;
}

/** How many descriptors a process has, by what they are: `descriptors: socket`, of files the last part of their path. */
async function descriptorsOf(pid: number): Promise<Baseline> {
  const counts: Baseline = {};
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => 'closed');
    const name = `descriptors: ${target
      .replace(/:\[\d+\]$/, '')
      .split('/')
      .at(-1)}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
