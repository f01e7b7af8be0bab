import type { BenchCore } from './bench-core.ts';
import { type Figures, figures, sample } from './stats.ts';

const NAMESPACE = 'bench';
const hello = { image: 'host', args: ['sh', '-c', 'echo hello; exec sleep 600'] };

/** From the create request to the first byte of output at the client: gRPC, then the attach stream. */
async function claimToFirstByte(core: BenchCore, name: string): Promise<number> {
  const ref = { namespace: NAMESPACE, name };
  const begin = performance.now();
  await core.api.sandboxes.create({ ...ref, spec: hello });
  const session = await core.api.sandboxes.attach(ref, { stdin: false, replay: true });
  for await (const _ of session.output) break;
  const elapsed = performance.now() - begin;
  await session.close();
  return elapsed;
}

const remove = (core: BenchCore, name: string): Promise<void> =>
  core.api.sandboxes.delete({ namespace: NAMESPACE, name }, { grace: 0 });

/** Waits until the pool is warm and quiet again, so that the next claim is a hit and competes with nothing. */
export async function warm(core: BenchCore, idle: number): Promise<void> {
  for (;;) {
    const rows = await core.api.pools.status();
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((n, row) => n + pick(row), 0);
    if (sum((row) => row.idle) >= idle && sum((row) => row.booting + row.stopping) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function claimCases(core: BenchCore, scale: number): Promise<Figures[]> {
  const oneByOne = await sample(Math.ceil(200 * scale), async (run) => {
    await warm(core, 4);
    const elapsed = await claimToFirstByte(core, `claim-${run}`);
    await remove(core, `claim-${run}`);
    return elapsed;
  });
  return [
    figures('warm claim to first byte, one at a time', oneByOne.samples, {
      failures: oneByOne.failures,
      budget: 'p50 2.5, p99 12',
    }),
    await burst(core, scale, 'claim to first byte, 50 at once, 4 of them warm', 4),
  ];
}

/** Fifty claims at once; `idle` of them are hits. */
export async function burst(
  core: BenchCore,
  scale: number,
  name: string,
  idle: number,
  budget?: string,
): Promise<Figures> {
  const samples: number[] = [];
  let failures = 0;
  for (let round = 0; round < Math.ceil(5 * scale); round++) {
    await warm(core, idle);
    const names = Array.from({ length: 50 }, (_, i) => `burst-${round}-${i}`);
    for (const result of await Promise.allSettled(names.map((one) => claimToFirstByte(core, one)))) {
      if (result.status === 'fulfilled') samples.push(result.value);
      else {
        failures += 1;
        console.error(
          `claim failed: ${result.reason instanceof Error ? result.reason.message : result.reason}`,
        );
      }
    }
    await Promise.allSettled(names.map((one) => remove(core, one)));
  }
  return figures(name, samples, { failures, ...(budget ? { budget } : {}) });
}

export async function execCase(core: BenchCore, scale: number): Promise<Figures> {
  const ref = { namespace: NAMESPACE, name: 'exec' };
  await core.api.sandboxes.create({ ...ref, spec: hello });
  const { samples, failures } = await sample(Math.ceil(300 * scale), async () => {
    const session = await core.api.sandboxes.exec(ref, {
      argv: ['true'],
      env: {},
      cwd: '',
      user: '',
      tty: false,
      stdin: false,
    });
    for await (const _ of session.output) void _;
    await session.exited;
    await session.close();
    return undefined;
  });
  await remove(core, 'exec');
  return figures('exec round trip (true), one WebSocket each', samples, { failures, budget: 'p50 3' });
}

/** A shape that is never warm: every create boots. */
export async function coldCase(core: BenchCore, scale: number): Promise<Figures> {
  const { samples, failures } = await sample(Math.ceil(40 * scale), async (run) => {
    const ref = { namespace: NAMESPACE, name: `cold-${run}` };
    const begin = performance.now();
    await core.api.sandboxes.create({ ...ref, spec: { ...hello, resources: { pids: 300 + run } } });
    const elapsed = performance.now() - begin;
    await core.api.sandboxes.delete(ref, { grace: 0 });
    return elapsed;
  });
  return figures('cold create, image present', samples, { failures, budget: 'p50 60' });
}
