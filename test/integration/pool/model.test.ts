import { mkdtemp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lease, PoolDetails } from '../../../src/core/model/pool.ts';
import { writeBusyboxImage } from '../../helpers/busybox-image.ts';
import { firstProcesses } from '../../helpers/first-processes.ts';
import { type RealCore, startRealCore } from '../../helpers/real-core.ts';
import { POOL, runIn, shell, untilPool } from '../../helpers/real-pool.ts';
import { seeded } from '../core/crash-storm.ts';

const SEED = Number(process.env.FSB_TEST_SEED ?? 1);
const STEPS = Number(process.env.FSB_TEST_STEPS ?? 120);
const MAX = 5;
const capacity = { max: MAX, buffer_min: 0, buffer_max: 1 };

describe('two pools of two shapes each, against a model', () => {
  let core: RealCore;
  let directory: string;
  let image: string;
  beforeAll(async () => {
    directory = await mkdtemp('/tmp/fsb-i-');
    core = await startRealCore({ pool: { capacity, warm: [{ image: 'host', count: 1 }] } });
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ path: ociArchive });
    image = name;
    await pools.create({
      name: 'other',
      capacity,
      warm: [{ image, count: 1 }],
      resources: { memory: '64m' },
    });
  });
  afterAll(async () => {
    await core.close();
    await rm(directory, { recursive: true, force: true });
  });

  it(
    `never disagree with it (seed ${SEED})`,
    async () => {
      const walk = new Walk(core, image, seeded(SEED));
      for (let step = 0; step < STEPS; step++) {
        const did = await walk.step();
        expect(await walk.problems(), `after step ${step}: ${did}`).toEqual([]);
      }
      await walk.end();
      expect(await walk.problems()).toEqual([]);
      expect((await firstProcesses(core.root)).size).toBe(0);
    },
    60_000 + STEPS * 500,
  );
});

/** What somebody did, and so what must be: the leases that were given out are the claimed instances, no more, no less. */
class Walk {
  readonly #core: RealCore;
  readonly #images: string[];
  readonly #random: (below: number) => number;
  #leases: Lease[] = [];

  constructor(core: RealCore, image: string, random: (below: number) => number) {
    this.#core = core;
    this.#images = ['host', image];
    this.#random = random;
  }

  /** @returns what was done */
  async step(): Promise<string> {
    const choice = this.#random(10);
    const lease = this.#leases[this.#random(this.#leases.length)];
    if (choice < 3) return this.#lease();
    if (choice < 6) return this.#run();
    if (lease === undefined) return 'nothing';
    if (choice < 7) return this.#exec(lease);
    if (choice < 9) return this.#release(lease);
    return this.#kill(lease);
  }

  async end(): Promise<void> {
    const { pools } = this.#core.running.api;
    for (const lease of [...this.#leases]) await this.#release(lease);
    for (const { name } of await pools.list()) await pools.drain(name);
  }

  /** What is not as it must be; empty when all is well. */
  async problems(): Promise<string[]> {
    const { pools } = this.#core.running.api;
    const details = await Promise.all((await pools.list()).map(({ name }) => pools.get(name)));
    const processes = await firstProcesses(this.#core.root);
    const ids = details.flatMap(({ instances }) => instances.map(({ id }) => id));
    const living = details.reduce((sum, pool) => sum + sizeOf(pool), 0);
    return [
      ...details.flatMap((pool) => this.#problemsOf(pool)),
      ...(new Set(ids).size === ids.length ? [] : ['an instance is in two pools']),
      ...(processes.size <= living ? [] : [`${processes.size} processes, but ${living} instances`]),
      ...this.#leases
        .filter(({ instance }) => !processes.has(instance))
        .map(({ id }) => `lease ${id} has no living instance`),
    ];
  }

  #problemsOf(pool: PoolDetails): string[] {
    const leases = this.#leases.filter((lease) => lease.pool === pool.name);
    const held = pool.instances.filter(({ holder }) => holder !== undefined).map(({ id }) => id);
    const expected = leases.map(({ instance }) => instance);
    const { memory, policy } = pool;
    return [
      ...(sizeOf(pool) <= MAX ? [] : [`${pool.name} has ${sizeOf(pool)} instances`]),
      ...(memory <= policy.memoryBudget ? [] : [`${pool.name} has ${memory} bytes`]),
      ...(same(held, expected) ? [] : [`${pool.name}: ${held} are held, ${expected} are leased`]),
      ...(pool.claimed === leases.length ? [] : [`${pool.name}: ${pool.claimed} claimed`]),
    ];
  }

  #pool = (): string => [POOL, 'other'][this.#random(2)]!;
  #image = (): string => this.#images[this.#random(2)]!;
  #full = (pool: string): boolean => this.#leases.filter((lease) => lease.pool === pool).length === MAX;

  async #lease(): Promise<string> {
    const [pool, image] = [this.#pool(), this.#image()];
    const { pools } = this.#core.running.api;
    const asked = `lease ${image} in ${pool}`;
    if (this.#full(pool)) {
      const error = await pools.lease({ pool, image, wait: 1 }).catch(({ code }) => code);
      expect(error, asked).toBe('no_capacity');
      return `${asked}, which is full`;
    }
    this.#leases.push(await pools.lease({ pool, image }));
    return asked;
  }

  async #run(): Promise<string> {
    const [pool, image, code] = [this.#pool(), this.#image(), this.#random(200)];
    const { api } = this.#core.running;
    const asked = `run ${image} in ${pool}`;
    if (this.#full(pool)) return 'nothing';
    expect(await runIn(api, `echo ${code}; exit ${code}`, { pool, image }), asked).toEqual({
      text: `${code}\n`,
      code,
    });
    await untilPool(
      api,
      ({ claimed }) => claimed === this.#leases.filter((l) => l.pool === pool).length,
      pool,
    );
    return asked;
  }

  async #exec({ id, instance }: Lease): Promise<string> {
    const session = await this.#core.running.api.pools.exec(id, shell('cat /proc/sys/kernel/hostname'));
    let text = '';
    for await (const { data } of session.output) text += data;
    expect(instance.startsWith(text.trim())).toBe(true);
    await session.close();
    return `exec in ${id}`;
  }

  async #release(lease: Lease): Promise<string> {
    await this.#core.running.api.pools.release(lease.id);
    this.#leases = this.#leases.filter(({ id }) => id !== lease.id);
    return `release ${lease.id}`;
  }

  /** From outside, as the kernel does when memory runs out: the lease is gone, and its slot with it. */
  async #kill(lease: Lease): Promise<string> {
    const { api } = this.#core.running;
    const pid = (await firstProcesses(this.#core.root)).get(lease.instance)!;
    process.kill(pid, 'SIGKILL');
    await untilPool(api, ({ instances }) => !instances.some(({ id }) => id === lease.instance), lease.pool);
    this.#leases = this.#leases.filter(({ id }) => id !== lease.id);
    return `kill ${lease.instance}`;
  }
}

const sizeOf = ({ idle, claimed, booting, stopping }: PoolDetails): number =>
  idle + claimed + booting + stopping;
const same = (a: string[], b: string[]): boolean => `${[...a].sort()}` === `${[...b].sort()}`;
