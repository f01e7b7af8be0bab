import { mkdtemp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PoolDetails, PoolInstance } from '../../../src/core/model/pool/pool.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';
import { finish, POOL, runIn, shell, untilPool } from '../../helpers/pool/real-pool.ts';

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
    await images.import({ source: { path: ociArchive } });
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

/** Somebody who has an instance: a lease or a sandbox. */
interface Held {
  pool: string;
  /** As the pool names it. */
  holder: string;
  release(): Promise<void>;
  exec(script: string): Promise<ProcessSession>;
}

/** What somebody did, and so what must be: who was given an instance has one, and nobody else. */
class Walk {
  readonly #core: RealCore;
  readonly #images: string[];
  readonly #random: (below: number) => number;
  #held: Held[] = [];
  #names = 0;

  constructor(core: RealCore, image: string, random: (below: number) => number) {
    this.#core = core;
    this.#images = ['host', image];
    this.#random = random;
  }

  /** @returns what was done */
  async step(): Promise<string> {
    const choice = this.#random(10);
    const some = this.#held[this.#random(this.#held.length)];
    const pool = [POOL, 'other'][this.#random(2)]!;
    const image = this.#images[this.#random(2)]!;
    if (choice < 2) return this.#take(pool, image, () => this.#lease(pool, image));
    if (choice < 3) return this.#take(pool, image, () => this.#sandbox(pool, image));
    if (choice < 6) return this.#run(pool, image);
    if (some === undefined) return 'nothing';
    if (choice < 7) return this.#exec(some);
    if (choice < 9) return this.#release(some);
    return this.#kill(some);
  }

  async end(): Promise<void> {
    const { pools } = this.#core.running.api;
    for (const held of [...this.#held]) await this.#release(held);
    for (const { name } of await pools.list()) await pools.drain(name);
  }

  /** What is not as it must be; empty when all is well. */
  async problems(): Promise<string[]> {
    const { pools } = this.#core.running.api;
    const details = await Promise.all((await pools.list()).map(({ name }) => pools.get(name)));
    const processes = await firstProcesses(this.#core.root);
    const ids = details.flatMap(({ instances }) => instances.map(({ id }) => id));
    const living = details.reduce((sum, pool) => sum + sizeOf(pool), 0);
    const lifeless = details
      .flatMap(({ instances }) => instances)
      .filter(({ id, holder }) => holder !== undefined && !processes.has(id));
    return [
      ...details.flatMap((pool) => this.#problemsOf(pool)),
      ...(new Set(ids).size === ids.length ? [] : ['an instance is in two pools']),
      ...(processes.size <= living ? [] : [`${processes.size} processes, but ${living} instances`]),
      ...lifeless.map(({ id, holder }) => `${holder} has ${id}, which does not live`),
    ];
  }

  #problemsOf(pool: PoolDetails): string[] {
    const held = pool.instances.flatMap(({ holder }) => holder ?? []);
    const expected = this.#in(pool.name).map(({ holder }) => holder);
    const { memory, policy } = pool;
    return [
      ...(sizeOf(pool) <= MAX ? [] : [`${pool.name} has ${sizeOf(pool)} instances`]),
      ...(memory <= policy.memoryBudget ? [] : [`${pool.name} has ${memory} bytes`]),
      ...(same(held, expected) ? [] : [`${pool.name} is held by ${held}, not by ${expected}`]),
      ...(pool.claimed === expected.length ? [] : [`${pool.name}: ${pool.claimed} claimed`]),
    ];
  }

  #in = (pool: string): Held[] => this.#held.filter((held) => held.pool === pool);
  #isFull = (pool: string): boolean => this.#in(pool).length === MAX;

  async #take(pool: string, image: string, take: () => Promise<Held>): Promise<string> {
    const asked = `an instance of ${image} from ${pool}`;
    if (this.#isFull(pool)) {
      const request = { pool, image, wait: 1 };
      const code = await this.#core.running.api.pools.lease(request).catch((error) => error.code);
      expect(code, asked).toBe('no_capacity');
      return `${asked}, which is full`;
    }
    this.#held.push(await take());
    return asked;
  }

  async #lease(pool: string, image: string): Promise<Held> {
    const { pools } = this.#core.running.api;
    const { id } = await pools.lease({ pool, image });
    return {
      pool,
      holder: `lease ${id}`,
      release: () => pools.release(id),
      exec: (script) => pools.exec(id, shell(script)),
    };
  }

  async #sandbox(pool: string, image: string): Promise<Held> {
    const { sandboxes } = this.#core.running.api;
    const ref = { namespace: 'default', name: `box-${this.#names++}` };
    const spec = { image, command: ['sleep', '1000'], pool_ref: pool };
    await sandboxes.create({ ...ref, spec });
    return {
      pool,
      holder: `sandbox default/${ref.name}`,
      release: () => sandboxes.delete(ref, { grace: 0 }),
      exec: (script) => sandboxes.exec(ref, shell(script)),
    };
  }

  async #run(pool: string, image: string): Promise<string> {
    const code = this.#random(200);
    const { api } = this.#core.running;
    if (this.#isFull(pool)) return 'nothing';
    const asked = `run ${image} in ${pool}`;
    const ended = await runIn(api, `echo ${code}; exit ${code}`, { pool, image });
    expect(ended, asked).toEqual({ text: `${code}\n`, code });
    await untilPool(api, ({ claimed }) => claimed === this.#in(pool).length, pool);
    return asked;
  }

  async #exec(held: Held): Promise<string> {
    const { id } = await this.#instanceOf(held);
    const { text } = await finish(await held.exec('cat /proc/sys/kernel/hostname'));
    expect(id.startsWith(text.trim()), `${id} is named ${text}`).toBe(true);
    return `exec for ${held.holder}`;
  }

  async #release(held: Held): Promise<string> {
    await held.release();
    this.#held = this.#held.filter((other) => other !== held);
    return `release of ${held.holder}`;
  }

  /** From outside, as the kernel does when memory runs out: the slot of who had it is free. */
  async #kill(held: Held): Promise<string> {
    const { id, pid } = await this.#instanceOf(held);
    process.kill(pid, 'SIGKILL');
    await untilPool(
      this.#core.running.api,
      ({ instances }) => !instances.some((instance) => instance.id === id),
      held.pool,
    );
    this.#held = this.#held.filter((other) => other !== held);
    return `kill of ${id}`;
  }

  async #instanceOf({ pool, holder }: Held): Promise<PoolInstance> {
    const { instances } = await this.#core.running.api.pools.get(pool);
    return instances.find((instance) => instance.holder === holder)!;
  }
}

const sizeOf = ({ idle, claimed, booting, stopping }: PoolDetails): number =>
  idle + claimed + booting + stopping;
const same = (a: string[], b: string[]): boolean => `${[...a].sort()}` === `${[...b].sort()}`;
