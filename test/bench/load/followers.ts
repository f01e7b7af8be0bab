import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { HELLO, ready } from '../core/bench-pool.ts';
import { processorTime, residentMemory } from '../core/proc.ts';
import {
  add,
  type Figures,
  figures,
  type Samples,
  sample,
  sampleTogether,
  single,
} from '../figures/stats.ts';
import { type Place, WARM } from './place.ts';

const FOLLOWERS = 2000;
/** So many begin at once. */
const WAVE = 200;
const IDLE_MS = 10_000;
const LINES = 5;

/** Many `logs -f` of a sandbox that says nothing for long: what they cost, and that a line reaches each of them. */
export async function idleFollowers(place: Place, scale: number): Promise<Figures[]> {
  const { way, api, pid } = place;
  const count = Math.ceil(FOLLOWERS * scale);
  const ref = { namespace: 'bench', name: 'followed' };
  const args = ['sh', '-c', 'echo ready; exec cat'];
  await api.sandboxes.create({ ...ref, spec: { image: 'host', args, stdin: true } });
  await using main = await api.sandboxes.attach(ref, { stdin: true, replay: true });
  await first(main);
  await ready(place, 'warm', WARM);
  const before = residentMemory(pid);
  const readers: Follower[] = [];
  const opened: Samples = { samples: [], failures: 0 };
  while (readers.length < count) {
    const begin = performance.now();
    const wave = Array.from({ length: Math.min(WAVE, count - readers.length) }, () => new Follower(place));
    readers.push(...wave);
    add(opened, await together(wave, begin));
  }
  await delay(1000);
  const resident = residentMemory(pid) - before;
  const busy = await idleTime(pid, IDLE_MS * scale);
  const get = await sample(Math.ceil(200 * scale), async () => void (await place.other.sandboxes.get(ref)));
  const claim = await sample(Math.min(WARM, Math.ceil(100 * scale)), () => warmClaim(place));
  const lines: Samples = { samples: [], failures: 0 };
  for (let line = 0; line < LINES; line++) {
    const written = performance.now();
    await main.write(Buffer.from(`line ${line}\n`));
    add(lines, await together(readers, written));
  }
  await Promise.all(readers.map((reader) => reader.close()));
  await api.sandboxes.delete(ref, { grace: 0 });
  const many = `${count} followers`;
  return [
    figures(`${way}: first line, ${WAVE} begin at once, ${many}`, opened),
    single(`${way}: the core's memory for each of ${many}`, resident / count, 'KiB'),
    single(`${way}: processor time of the core, ${many} that hear nothing`, busy, 'ms/s'),
    figures(`${way}: get, beside ${many}`, get),
    figures(`${way}: pool run, beside ${many}`, claim),
    figures(`${way}: from a line to each of ${many}`, lines),
  ];
}

/** Reads a log, a line at a time. */
class Follower {
  readonly #leave = new AbortController();
  readonly #entries: AsyncIterator<{ data: Buffer }>;

  constructor({ api }: Place) {
    const ref = { namespace: 'bench', name: 'followed' };
    const query = { follow: true, stdout: true, stderr: true };
    this.#entries = api.sandboxes.logs(ref, query, { signal: this.#leave.signal })[Symbol.asyncIterator]();
  }

  /** The time when it came. */
  async line(): Promise<number> {
    const { done, value } = await this.#entries.next();
    if (done || !value.data.toString().endsWith('\n')) throw new Error('a follower got no line');
    return performance.now();
  }

  async close(): Promise<void> {
    this.#leave.abort();
    await this.#entries.next().catch(() => {});
  }
}

/** Milliseconds from `begin` until each has a line. */
const together = (readers: Follower[], begin: number): Promise<Samples> =>
  sampleTogether(readers.map(async (reader) => (await reader.line()) - begin));

async function idleTime(pid: number, ms: number): Promise<number> {
  const before = processorTime(pid);
  await delay(ms);
  return ((processorTime(pid) - before) * 1000) / ms;
}

/** Milliseconds to the first byte. */
async function warmClaim({ other }: Place): Promise<number> {
  const exec = { argv: HELLO, env: {}, cwd: '', user: '', tty: false, stdin: false };
  const begin = performance.now();
  await using session = await other.pools.run({ pool: 'warm', image: 'host', exec });
  await first(session);
  return performance.now() - begin;
}

async function first(session: ProcessSession): Promise<void> {
  for await (const _ of session.output) return;
}
