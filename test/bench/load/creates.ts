import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { HELLO, ready } from '../core/bench-pool.ts';
import { forgetPeak, peakMemory, residentMemory } from '../core/proc.ts';
import { type Figures, fail, figures, type Samples, single } from '../figures/stats.ts';
import { type Place, WARM } from './place.ts';

const CREATES = 1000;
const AT_ONCE = 50;

/** So many sandboxes, all of which run in the end; then all are deleted. */
export async function manyCreates(place: Place, scale: number): Promise<Figures[]> {
  const { way, api, pid } = place;
  const count = Math.ceil(CREATES * scale);
  const refs = Array.from(
    { length: count },
    (_, n): SandboxRef => ({ namespace: 'bench', name: `create-${n}` }),
  );
  const spec = { image: 'host', args: HELLO, pool_ref: 'warm' };
  await ready(place, 'warm', WARM);
  const before = residentMemory(pid);
  forgetPeak(pid);
  const begin = performance.now();
  const created = await together(refs, (ref) => api.sandboxes.create({ ...ref, spec }));
  const rate = (count / (performance.now() - begin)) * 1000;
  const each = (peakMemory(pid) - before) / count;
  const removing = performance.now();
  const deleted = await together(refs, (ref) => api.sandboxes.delete(ref, { grace: 0 }));
  const removed = (count / (performance.now() - removing)) * 1000;
  await ready(place, 'warm', WARM);
  const left = residentMemory(pid) - before;
  const all = `${count} sandboxes`;
  return [
    figures(`${way}: create, ${AT_ONCE} at once, ${all}`, created),
    single(`${way}: creates, ${all}`, rate, 'a second'),
    figures(`${way}: delete, ${AT_ONCE} at once, ${all}`, deleted),
    single(`${way}: deletes, ${all}`, removed, 'a second'),
    single(`${way}: the core's memory for each sandbox, ${all}`, each, 'KiB'),
    single(`${way}: the core's memory after ${all} more than before`, left / 1024, 'MiB'),
  ];
}

/** Milliseconds of each, AT_ONCE at any time. */
async function together(refs: SandboxRef[], act: (ref: SandboxRef) => Promise<unknown>): Promise<Samples> {
  const found: Samples = { samples: [], failures: 0 };
  const waiting = refs.values();
  const worker = async (): Promise<void> => {
    for (const ref of waiting) {
      const begin = performance.now();
      try {
        await act(ref);
        found.samples.push(performance.now() - begin);
      } catch (error) {
        fail(found, error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}
