import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { Lease, PoolDetails } from '../../../src/core/model/pool/pool.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';
import { traces } from '../../helpers/core/traces.ts';
import { finish, onNode, POOL, runIn, shell, untilPool } from '../../helpers/pool/real-pool.ts';

const SEED = Number(process.env.FSB_TEST_SEED ?? 1);
const ROUNDS = Number(process.env.FSB_TEST_ROUNDS ?? 3);

const roots: string[] = [];
const newRoot = async (): Promise<string> => {
  const root = await makeRoot();
  roots.push(root);
  return root;
};
const cores: CoreProcess[] = [];
async function start(root: string): Promise<CoreProcess> {
  const core = await startCoreProcess(root);
  cores.push(core);
  return core;
}
afterEach(async () => {
  for (const core of cores.splice(0)) await endAnyway(core);
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

const inLease = async (api: CoreApi, id: string, script: string): Promise<string> =>
  (await finish(await api.pools.exec(id, shell(script)))).text;

/** Of a test that failed, the core may still be there. */
async function endAnyway({ api, stop }: CoreProcess): Promise<void> {
  const leases = await api.pools.leases().catch(() => []);
  await Promise.allSettled(leases.map(({ id }) => api.pools.release(id)));
  await stop();
}

/** Stops the core and checks that it leaves nothing: no process, mount, cgroup, directory, log or record. */
async function endsClean(core: CoreProcess, root: string): Promise<void> {
  expect(await core.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
  expect(await readdir(join(root, 'state/logs'))).toEqual([]);
}

describe('a lease whose core is killed', () => {
  it('is there for the next one with what runs in it, and can be used, reclaimed and released', async () => {
    const root = await newRoot();
    const first = await start(root);
    const lease = await first.api.pools.lease({ pool: POOL });
    const forgotten = await first.api.pools.lease({ pool: POOL, ttl: 500 });
    const counting = 'i=0; while :; do i=$((i+1)); echo $i > /tmp/n; sleep 0.01; done';
    const session = await first.api.pools.exec(lease.id, shell(counting));
    session.exited.catch(() => {});
    // The file is empty for a moment each time it is written.
    const read = 'sleep 0.05; until n=$(cat /tmp/n) && test -n "$n"; do :; done; echo $n';
    const before = Number(await inLease(first.api, lease.id, read));
    await first.kill();

    const second = await start(root);
    const [found] = await second.api.pools.leases();
    expect(found).toEqual({ ...lease, running: 1 });
    const after = Number(await inLease(second.api, lease.id, read));
    expect(after).toBeGreaterThan(before);
    await untilPool(second.api, ({ instances }) => !instances.some(({ id }) => id === forgotten.instance));
    const { instances } = await second.api.pools.get(POOL);
    expect(instances.find(({ id }) => id === lease.instance)).toMatchObject({
      state: 'claimed',
      holder: `lease ${lease.id}`,
    });
    await second.api.pools.kill(lease.id);
    expect(await inLease(second.api, lease.id, 'pgrep -f "sleep 0.0[1]" || echo none')).toBe('none\n');
    await second.api.pools.release(lease.id);
    expect(await second.api.pools.leases()).toEqual([]);
    await endsClean(second, root);
  });
});

describe('a one-shot run whose core is killed', () => {
  it('is gone with it', async () => {
    const root = await newRoot();
    const first = await start(root);
    const session = await first.api.pools.run({ pool: POOL, exec: shell('echo begun; sleep 1000') });
    session.exited.catch(() => {});
    await session.output[Symbol.asyncIterator]().next();
    const { instances } = await first.api.pools.get(POOL);
    const { id } = instances.find(({ holder }) => holder === 'run')!;
    await first.kill();
    const second = await start(root);
    expect(await onNode(root)).not.toContain(id);
    await endsClean(second, root);
  });
});

describe('the pools of a core that was killed', () => {
  it('have again what is theirs: frozen ones too, but none whose warm-up may be missing', async () => {
    const root = await newRoot();
    const warm = [{ image: 'host', count: 2 }];
    const capacity = { max: 4, buffer_min: 0, buffer_max: 0 };
    const first = await start(root);
    const { pools } = first.api;
    await pools.create({ name: 'frozen', warm, capacity, pause_idle: true });
    await pools.create({ name: 'prepared', warm, capacity, warmup: ['touch', '/tmp/prepared'] });
    await pools.create({ name: 'drained', capacity });
    const lease = await pools.lease({ pool: 'drained' });
    expect((await pools.drain('drained', { timeout: 1 }).catch((error) => error)).code).toBe('timeout');
    const idsOf = (pool: PoolDetails): string[] => pool.instances.map(({ id }) => id).sort();
    const frozen = await untilPool(first.api, areAll('paused'), 'frozen');
    const prepared = await untilPool(first.api, areAll('idle'), 'prepared');
    await first.kill();

    const second = await start(root);
    const { api } = second;
    expect(idsOf(await untilPool(api, areAll('paused'), 'frozen'))).toEqual(idsOf(frozen));
    const fresh = idsOf(await untilPool(api, areAll('idle'), 'prepared'));
    expect(fresh.filter((id) => idsOf(prepared).includes(id))).toEqual([]);
    const exec = 'test -e /tmp/prepared && echo prepared';
    expect((await runIn(api, exec, { pool: 'prepared' })).text).toBe('prepared\n');
    expect(await api.pools.get('drained')).toMatchObject({ state: 'drained', claimed: 1 });
    expect(await inLease(api, lease.id, 'echo here')).toBe('here\n');
    await api.pools.release(lease.id);
    expect(await api.pools.drain('drained')).toMatchObject({ claimed: 0 });
    await endsClean(second, root);
  }, 90_000);
});

/** Two instances, in this state. */
const areAll =
  (state: string) =>
  ({ instances }: PoolDetails): boolean =>
    instances.length === 2 && instances.every((instance) => instance.state === state);

describe('a core that is killed at any moment of leases and runs', () => {
  it(
    `keeps what it promised, revives nothing, and hands out nothing dirty (seed ${SEED})`,
    async () => {
      const root = await newRoot();
      const random = seeded(SEED);
      const storm = new LeaseStorm(random);
      let core = await start(root);
      await core.api.pools.create({ name: 'sticky', reuse: 'sticky', capacity: { max: 12 } });
      for (let round = 0; round < ROUNDS; round++) {
        const killed = new AbortController();
        const raging = storm.rage(core.api, killed.signal);
        await Promise.race([raging, delay(300 + random(700))]);
        killed.abort();
        await core.kill();
        await raging;
        core = await start(root);
        await storm.check(core.api);
      }
      await storm.releaseAll(core.api);
      await core.api.pools.delete('sticky');
      await endsClean(core, root);
    },
    60_000 + ROUNDS * 10_000,
  );
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Known {
  lease: Lease;
  /** Others may use it. */
  ready: boolean;
  release: 'none' | 'asked' | 'answered';
}

/** Clients that lease, run commands and release, and remember what they were told. */
class LeaseStorm {
  readonly #random: (below: number) => number;
  readonly #known = new Map<string, Known>();

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  async rage(api: CoreApi, killed: AbortSignal): Promise<void> {
    const client = async (): Promise<void> => {
      while (!killed.aborted) {
        try {
          await this.#act(api);
        } catch (error) {
          if (!killed.aborted) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 4 }, client));
  }

  async #act(api: CoreApi): Promise<void> {
    const pool = [POOL, 'sticky'][this.#random(2)]!;
    const held = [...this.#known.values()].filter(({ ready, release }) => ready && release === 'none');
    const some = held[this.#random(held.length)];
    const choice = held.length >= 8 ? 9 : this.#random(10);
    if (choice < 4 || some === undefined) {
      const lease = await api.pools.lease({ pool });
      const known: Known = { lease, ready: false, release: 'none' };
      this.#known.set(lease.id, known);
      await assertClean(api, lease);
      // Something that the next one who has the instance must not meet.
      const dirt = await api.pools.exec(lease.id, shell('sleep 1234 & sleep 1234'));
      dirt.exited.catch(() => {});
      await dirt.close();
      known.ready = true;
    } else if (choice < 7) {
      expect(await runIn(api, COUNT, { pool })).toEqual({ text: onlyOurs, code: 0 });
    } else {
      some.release = 'asked';
      await api.pools.release(some.lease.id);
      some.release = 'answered';
    }
  }

  /** After a restart: what was answered is true. */
  async check(api: CoreApi): Promise<void> {
    const found = new Map((await api.pools.leases()).map((lease) => [lease.id, lease]));
    for (const [id, { lease, release }] of this.#known) {
      if (release === 'none') expect(found.get(id)?.instance, `lease ${id}`).toBe(lease.instance);
      if (release === 'answered') expect(found.has(id), `released lease ${id}`).toBe(false);
      if (!found.has(id)) this.#known.delete(id);
    }
    for (const known of this.#known.values()) {
      known.ready = true;
      known.release = 'none';
    }
    const { instances } = await api.pools.get('sticky');
    expect(instances.filter(({ state, holder }) => state === 'claimed' && holder === undefined)).toEqual([]);
  }

  async releaseAll(api: CoreApi): Promise<void> {
    for (const { id } of await api.pools.leases()) await api.pools.release(id);
    expect(await api.pools.leases()).toEqual([]);
  }
}

/** How many processes there are: PID 1, and the shell that counts. */
const COUNT = 'set -- /proc/[0-9]*; echo $#';
const onlyOurs = '2\n';

async function assertClean(api: CoreApi, { id }: Lease): Promise<void> {
  expect(await inLease(api, id, COUNT)).toBe(onlyOurs);
}
