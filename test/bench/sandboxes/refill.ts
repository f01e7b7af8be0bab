import { existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { CoreEvent } from '../../../src/core/model/event.ts';
import { type BenchCore, startBenchCore } from '../core/bench-core.ts';
import { createPool, HELLO, ready } from '../core/bench-pool.ts';
import { type Figures, figures, type Samples, single } from '../figures/stats.ts';

const FILL = 80;

/** How soon a claim is followed by its refill, and how fast an empty pool fills. */
export async function refillGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore();
  return [...(await afterAClaim(core, Math.ceil(60 * scale))), await rate(core)];
}

/**
 * From the request of a claim. The refill has started when there is something of an instance on the node: the event tells
 * when it was decided, and the boot lets the claim go first. Both are seen later than they were.
 */
async function afterAClaim(core: BenchCore, runs: number): Promise<Figures[]> {
  await createPool(core, 'claims', 1, 8);
  const started: Samples = { samples: [], failures: 0 };
  const full: Samples = { samples: [], failures: 0 };
  const leave = new AbortController();
  const filter = { pool: 'claims', after: 0 };
  const events = core.api.system.events(filter, { signal: leave.signal })[Symbol.asyncIterator]();
  // The pool's first instance: with it the stream is open, and no later one is missed.
  await nextEvent(events, 'idle');
  for (let run = 0; run < runs; run++) {
    await ready(core, 'claims', 1);
    const instance = nextInstance(join(core.status.root, 'run/i'));
    const begin = performance.now();
    const boot = instance.then((at) => started.samples.push(at - begin));
    const warm = nextEvent(events, 'idle').then(() => full.samples.push(performance.now() - begin));
    await claimOnce(core);
    await Promise.all([boot, warm]);
  }
  leave.abort();
  return [
    figures('from a claim to the start of its refill', started, { budget: '< 5' }),
    figures('from a claim to the pool full again', full),
  ];
}

async function claimOnce(core: BenchCore): Promise<void> {
  const exec = { argv: HELLO, env: {}, cwd: '', user: '', tty: false, stdin: false };
  const session = await core.api.pools.run({ pool: 'claims', image: 'host', exec });
  for await (const _ of session.output) break;
  await session.close();
}

/** When the directory of an instance that is not there yet has appeared, by the clock of performance.now(). */
function nextInstance(directory: string): Promise<number> {
  const known = new Set(readdirSync(directory));
  return new Promise((resolve, reject) => {
    const watcher = watch(directory, (_, name) => {
      if (name === null || known.has(name) || !existsSync(join(directory, name))) return;
      watcher.close();
      resolve(performance.now());
    });
    watcher.on('error', reject);
  });
}

async function nextEvent(events: AsyncIterator<CoreEvent>, type: CoreEvent['event']['type']): Promise<void> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error('the events ended');
    if (value.event.type === type) return;
  }
}

/** Ready means that so many idle are reported. */
async function rate(core: BenchCore): Promise<Figures> {
  const begin = performance.now();
  await createPool(core, 'fill', FILL, FILL);
  const seconds = (performance.now() - begin) / 1000;
  await ready(core, 'fill', FILL);
  return single(`refill of ${FILL}`, FILL / seconds, 'instances/s', '>= 40');
}
