import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { HELLO } from '../core/bench-pool.ts';
import { forgetPeak, peakMemory, residentMemory } from '../core/proc.ts';
import { add, type Figures, figures, type Samples, sampleTogether, single } from '../figures/stats.ts';
import type { Place } from './place.ts';

const AT_ONCE = 200;
const ROUNDS = 5;

/** Commands in one sandbox, all begun at the same moment; each must say its own number and exit with its own code. */
export async function manyExecs(place: Place, scale: number): Promise<Figures[]> {
  const { way, api, pid } = place;
  const ref = { namespace: 'bench', name: 'execs' };
  await api.sandboxes.create({ ...ref, spec: { image: 'host', args: HELLO } });
  const before = residentMemory(pid);
  forgetPeak(pid);
  const found: Samples = { samples: [], failures: 0 };
  for (let round = 0; round < Math.ceil(ROUNDS * scale); round++) {
    const execs = Array.from({ length: AT_ONCE }, (_, n) => timed(place, ref, n));
    add(found, await sampleTogether(execs));
  }
  const peak = peakMemory(pid) - before;
  await api.sandboxes.delete(ref, { grace: 0 });
  return [
    figures(`${way}: exec, ${AT_ONCE} at once`, found),
    single(`${way}: the core's memory for each of them, at most`, peak / AT_ONCE, 'KiB'),
  ];
}

async function timed({ api }: Place, ref: SandboxRef, n: number): Promise<number> {
  const begin = performance.now();
  const argv = ['sh', '-c', `echo ${n}; exit ${n % 100}`];
  await using session = await api.sandboxes.exec(ref, {
    ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
  });
  let said = '';
  for await (const { data } of session.output) said += data;
  const { code } = await session.exited;
  if (said !== `${n}\n` || code !== n % 100)
    throw new Error(`command ${n} said ${said} and exited with ${code}`);
  return performance.now() - begin;
}
