import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { PoolRunRequest } from '../../../src/core/api/pool-api.ts';
import type { ExecRequest } from '../../../src/core/api/sandbox-api.ts';
import type { CoreEvent } from '../../../src/core/model/event.ts';
import type { PoolDetails } from '../../../src/core/model/pool/pool.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';

/** Short words for what the tests of pools with real instances do again and again. */

export const POOL = 'default-pool';

export const command = (argv: string[], more: Partial<ExecRequest> = {}): ExecRequest => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
  ...more,
});

export const shell = (script: string): ExecRequest => command(['sh', '-c', script]);

/** Reads a session to its end, and lets go of it. */
export async function finish(session: ProcessSession): Promise<{ text: string; code: number | null }> {
  let text = '';
  for await (const { data } of session.output) text += data;
  const { code } = await session.exited;
  await session.close();
  return { text, code };
}

export const runIn = async (
  core: CoreApi,
  script: string,
  request: Partial<PoolRunRequest> = {},
): Promise<{ text: string; code: number | null }> =>
  finish(await core.pools.run({ pool: POOL, exec: shell(script), ...request }));

/**
 * Resolves when the condition holds of the pool, which is looked at after each of its events. From the first event on:
 * over a wire, one might otherwise come between the look and the moment from which on events are told.
 */
export async function untilPool(
  core: CoreApi,
  holds: (pool: PoolDetails) => boolean,
  name = POOL,
): Promise<PoolDetails> {
  const stop = new AbortController();
  const events = core.system.events({ pool: name, after: 0 }, { signal: stop.signal });
  const changes = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const pool = await core.pools.get(name);
      if (holds(pool)) return pool;
      await changes.next();
    }
  } finally {
    stop.abort();
    await changes.return?.();
  }
}

/** Resolves when so many claims wait; asks again and again, because who waits is no event. */
export async function untilWaiting(core: CoreApi, count: number, name = POOL): Promise<void> {
  while ((await core.pools.get(name)).waiting !== count) await setImmediate();
}

export const untilIdle = (core: CoreApi, count: number, name = POOL): Promise<PoolDetails> =>
  untilPool(core, ({ idle, booting }) => idle === count && booting === 0, name);

export interface WatchedEvents {
  seen: CoreEvent[];
  /** The most instances that one pool had at one moment, those that boot and those that end among them. */
  most: () => number;
  stop: () => Promise<void>;
}

/** Everything that happens in the pools of a core, from its start on. */
export function watchEvents(core: CoreApi): WatchedEvents {
  const leave = new AbortController();
  const seen: CoreEvent[] = [];
  let most = 0;
  const reading = (async () => {
    for await (const event of core.system.events({ after: 0 }, { signal: leave.signal })) {
      seen.push(event);
      if (event.pool !== undefined) most = Math.max(most, await livingIn(core, event.pool));
    }
  })();
  reading.catch(() => {});
  return {
    seen,
    most: () => Math.max(most, peakOf(seen)),
    async stop() {
      leave.abort();
      await reading.catch(() => {});
    },
  };
}

/** An instance that boots is there before it is `created`. */
async function livingIn(core: CoreApi, pool: string): Promise<number> {
  const rows = (await core.pools.status()).filter((row) => row.pool === pool);
  return rows.reduce((sum, row) => sum + row.idle + row.claimed + row.booting + row.stopping, 0);
}

/** The most instances that lived at one moment, as the events tell it. */
function peakOf(events: readonly CoreEvent[]): number {
  let [alive, peak] = [0, 0];
  for (const { event } of events) {
    if (event.type === 'created') peak = Math.max(peak, ++alive);
    if (event.type === 'destroyed') alive -= 1;
  }
  return peak;
}

/** The instance directories of the core: what an instance has on the node while it has anything. */
export const onNode = (root: string): Promise<string[]> => readdir(join(root, 'run/i'));
