import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { HELLO } from '../core/bench-pool.ts';
import { forgetPeak, peakMemory, residentMemory } from '../core/proc.ts';
import { type Figures, figures, sampleTogether, single } from '../figures/stats.ts';
import type { Place } from './place.ts';

const FAST = 4;
const MB = 1_000_000;
const SLOW_BYTES_PER_SECOND = 1024;

/** Reads at full speed, or at the pace of one who has `pace` bytes a second. @returns how many bytes came */
type Read = (place: Place, ref: SandboxRef, pace: number, signal: AbortSignal) => Promise<number>;

/** Fast readers of what is written at full speed, alone, and beside one who reads 1 KiB a second. */
export async function slowReaders(place: Place, scale: number): Promise<Figures[]> {
  const bytes = Math.ceil(200 * scale) * MB;
  const rows: Figures[] = [];
  for (const [what, read] of [
    ['logs -f', followLog],
    ['exec', execEndless],
  ] as const)
    for (const slow of [0, 1]) rows.push(...(await measure(place, what, read(bytes), bytes, slow)));
  return rows;
}

async function measure(
  place: Place,
  what: string,
  read: Read,
  bytes: number,
  slow: number,
): Promise<Figures[]> {
  const { way, api, pid } = place;
  const ref = { namespace: 'bench', name: 'writer' };
  const script = what === 'exec' ? HELLO[2]! : `yes | head -c ${bytes}; exec sleep 600`;
  const before = residentMemory(pid);
  forgetPeak(pid);
  await api.sandboxes.create({
    ...ref,
    spec: { image: 'host', args: ['sh', '-c', script] },
  });
  const leave = new AbortController();
  const crawling = Array.from({ length: slow }, () => read(place, ref, SLOW_BYTES_PER_SECOND, leave.signal));
  const fast = Array.from({ length: FAST }, async () => {
    const begin = performance.now();
    const came = await read(place, ref, Number.POSITIVE_INFINITY, leave.signal);
    if (came !== bytes) throw new Error(`${came} of ${bytes} bytes came`);
    return bytes / 1000 / (performance.now() - begin);
  });
  const found = await sampleTogether(fast);
  const grown = peakMemory(pid) - before;
  leave.abort();
  await Promise.allSettled(crawling);
  await api.sandboxes.delete(ref, { grace: 0 });
  const beside = slow === 0 ? '' : ' beside a slow one';
  return [
    figures(`${way}: ${what}, each of ${FAST}${beside}`, found, { unit: 'MB/s' }),
    single(`${way}: the core's memory for them${beside}, at most`, grown / 1024, 'MiB'),
  ];
}

const followLog =
  (bytes: number): Read =>
  async ({ api }, ref, pace, signal) => {
    const query = { follow: true, stdout: true, stderr: true };
    return count(api.sandboxes.logs(ref, query, { signal }), bytes, pace, signal);
  };

const execEndless =
  (bytes: number): Read =>
  async ({ api }, ref, pace, signal) => {
    const argv = ['sh', '-c', `yes | head -c ${bytes}`];
    await using session = await api.sandboxes.exec(
      ref,
      { argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
      { signal },
    );
    return await count(session.output, bytes, pace, signal);
  };

async function count(
  chunks: AsyncIterable<{ data: Buffer }>,
  bytes: number,
  pace: number,
  signal: AbortSignal,
): Promise<number> {
  let came = 0;
  for await (const { data } of chunks) {
    came += data.length;
    if (came >= bytes) break;
    if (Number.isFinite(pace)) await delay((data.length / pace) * 1000, undefined, { signal });
  }
  return came;
}
