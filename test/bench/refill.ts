import type { CoreEvent } from '../../src/core/model/pool.ts';
import { type BenchCore, startBenchCore } from './bench-core.ts';
import { createPool, HELLO, ready } from './bench-pool.ts';
import { type Figures, figures, type Samples, single } from './stats.ts';

const FILL = 80;

/** How soon a claim is followed by its refill, and how fast an empty pool fills. */
export async function refillGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore();
  return [...(await afterAClaim(core, Math.ceil(60 * scale))), await rate(core)];
}

/** From the request of a claim, as a watcher of the events sees it: that is later than it was. */
async function afterAClaim(core: BenchCore, runs: number): Promise<Figures[]> {
  await createPool(core, 'claims', 1, 8);
  const decided: Samples = { samples: [], failures: 0 };
  const full: Samples = { samples: [], failures: 0 };
  const leave = new AbortController();
  const events = core.api.system.events({ pool: 'claims' }, { signal: leave.signal })[Symbol.asyncIterator]();
  // The stream is open when its first event is here: this one is thrown away with its refill.
  const first = nextEvent(events, 'idle');
  await claimOnce(core);
  await first;
  for (let run = 0; run < runs; run++) {
    await ready(core, 'claims', 1);
    const begin = performance.now();
    const refill = nextEvent(events, 'refill').then(() => decided.samples.push(performance.now() - begin));
    const warm = refill
      .then(() => nextEvent(events, 'idle'))
      .then(() => full.samples.push(performance.now() - begin));
    await claimOnce(core);
    await warm;
  }
  leave.abort();
  return [
    figures('from a claim to the start of its refill', decided, { budget: '< 5' }),
    figures('from a claim to the pool full again', full),
  ];
}

async function claimOnce(core: BenchCore): Promise<void> {
  const exec = { argv: HELLO, env: {}, cwd: '', user: '', tty: false, stdin: false };
  const session = await core.api.pools.run({ pool: 'claims', image: 'host', exec });
  for await (const _ of session.output) break;
  await session.close();
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
