import { startBenchCore } from '../core/bench-core.ts';
import { createPool, HELLO } from '../core/bench-pool.ts';
import { type Figures, figures, sample } from '../figures/stats.ts';

/** Further commands in something that runs already. */
export async function execGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore();
  await createPool(core, 'warm', 1, 4);
  const ref = { namespace: 'bench', name: 'exec' };
  await core.api.sandboxes.create({ ...ref, spec: { image: 'host', args: HELLO, pool_ref: 'warm' } });
  const request = { argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false };
  const found = await sample(Math.ceil(300 * scale), async () => {
    const session = await core.api.sandboxes.exec(ref, request);
    for await (const _ of session.output) void _;
    await session.exited;
    await session.close();
    return undefined;
  });
  return [figures('exec round trip (true), one WebSocket each', found, { budget: 'p50 3' })];
}

/** A sandbox of a shape that nobody has booted before, up to the answer. */
export async function coldGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore({ flags: ['--warm', 'host=0', '--max', '8'] });
  const found = await sample(Math.ceil(40 * scale), async (run) => {
    const ref = { namespace: 'bench', name: `cold-${run}` };
    const begin = performance.now();
    await core.api.sandboxes.create({
      ...ref,
      spec: { image: 'host', args: HELLO, resources: { pids: 300 + run } },
    });
    const elapsed = performance.now() - begin;
    await core.api.sandboxes.delete(ref, { grace: 0 });
    return elapsed;
  });
  return [figures('cold create, image present', found, { budget: 'p50 60' })];
}
