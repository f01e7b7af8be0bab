import fc from 'fast-check';
import { expect } from 'vitest';
import type { FsbError } from '../../src/core/model/errors.ts';
import type { OnEmpty } from '../../src/core/model/pool.ts';
import { type Shape, shapeKey } from '../../src/core/model/shape.ts';
import type { Claim } from '../../src/core/pool/pool.ts';
import type { FakeStep } from './fake-driver.ts';
import { createPoolWorld, MiB, type PoolWorld, settle, shapeOfSize } from './pool-world.ts';

const MAX = 6;
const MEMORY = 700 * MiB;
const shapes: Shape[] = [
  shapeOfSize('small', 100 * MiB),
  shapeOfSize('other', 100 * MiB),
  shapeOfSize('large', 400 * MiB),
];

export type Step =
  | { do: 'claim'; shape: number; onEmpty: OnEmpty; timeout: number; burst: number }
  | { do: 'abort' | 'release' | 'kill'; index: number }
  | { do: 'warm'; counts: number[] }
  | { do: 'advance'; ms: number }
  | { do: 'script'; call: 'boot' | 'ping' | 'destroy'; step: FakeStep }
  | { do: 'nothing' };

/** Without faults, boots and teardowns take their time but always succeed. */
export function stepArbitrary({ faults }: { faults: boolean }): fc.Arbitrary<Step> {
  const index = fc.nat(20);
  const delay = fc.record({ delay: fc.constantFrom(1, 50, 400) });
  const slow = fc.record({
    do: fc.constant('script' as const),
    call: fc.constantFrom('boot' as const, 'destroy' as const),
    step: delay,
  });
  const fault = fc.record({
    do: fc.constant('script' as const),
    call: fc.constantFrom('boot' as const, 'ping' as const),
    step: fc.constantFrom<FakeStep>(
      { fail: 'scripted' },
      { hang: true },
      { delay: 300 },
      { delay: 5000, deaf: true },
    ),
  });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('claim' as const),
        shape: fc.nat(shapes.length - 1),
        onEmpty: fc.constantFrom<OnEmpty>('boot', 'boot', 'boot', 'wait', 'fail'),
        timeout: fc.constantFrom(50, 1000, 30_000),
        burst: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('release' as const), index }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), index }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('warm' as const),
        counts: fc.tuple(fc.nat(3), fc.nat(2), fc.nat(1)),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 60, 1000, 70_000) }),
    },
    { weight: 2, arbitrary: slow },
    ...(faults
      ? [
          { weight: 3, arbitrary: fault },
          { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), index }) },
        ]
      : []),
  );
}

interface Pending {
  shape: Shape;
  abort: AbortController;
  boots: boolean;
  order: number;
}

/** Drives a pool on the fake driver, remembers what it was given, and checks the pool after every step. */
export class PoolModel {
  readonly #faults: boolean;
  readonly #world: PoolWorld;
  readonly #held: Claim[] = [];
  readonly #everHanded = new Set<string>();
  readonly #pending = new Set<Pending>();
  readonly #lastMiss = new Map<string, number>();
  readonly #warm = [0, 0, 0];
  readonly #problems: string[] = [];
  #claims = 0;
  #settledClaims = 0;

  constructor({ faults }: { faults: boolean }) {
    this.#faults = faults;
    this.#world = createPoolWorld({
      capacity: { max: MAX, buffer_min: faults ? 1 : 0, buffer_max: faults ? 2 : 0 },
      memory_budget: MEMORY,
      boot_timeout: '2s',
      boot_concurrency: 3,
      queue: { length: 40 },
    });
  }

  async take(step: Step): Promise<void> {
    this.#do(step);
    if (step.do === 'advance') await this.#world.clock.advance(step.ms);
    else if (step.do !== 'script') await settle();
    this.#check();
  }

  /** Closes, gives everything back, and expects that nothing at all is left. */
  async end(): Promise<void> {
    const { pool, fake, clock } = this.#world;
    const closed = pool.close({ destroyIdle: true });
    const released = this.#held.map((claim) => pool.release(claim));
    await clock.advance(60_000);
    await Promise.all([closed, ...released]);
    this.#expectNoProblems();
    expect(fake.counts).toMatchObject({ live: 0, booting: 0 });
    expect(this.#settledClaims).toBe(this.#claims);
    for (const row of pool.status())
      expect(row).toMatchObject({ idle: 0, booting: 0, stopping: 0, claimed: 0, waiting: 0 });
    expect(clock.pending).toBe(0);
  }

  #do(step: Step): void {
    const { pool, fake } = this.#world;
    switch (step.do) {
      case 'claim':
        for (let i = 0; i < step.burst; i++)
          void this.#claim(shapes[step.shape]!, step.onEmpty, step.timeout);
        return;
      case 'release': {
        const [claim] = this.#held.splice(step.index % Math.max(1, this.#held.length), 1);
        if (claim !== undefined) void pool.release(claim);
        return;
      }
      case 'abort':
        [...this.#pending][step.index % Math.max(1, this.#pending.size)]?.abort.abort();
        return;
      case 'kill': {
        const id = fake.instances[step.index % Math.max(1, fake.instances.length)];
        if (id !== undefined) fake.killInstance(id);
        return;
      }
      case 'warm':
        step.counts.forEach((count, index) => {
          this.#warm[index] = count;
        });
        pool.keepWarm(shapes.map((shape, i) => ({ shape, image: shape.image, count: step.counts[i]! })));
        return;
      case 'script':
        fake.script(step.call, step.step);
        return;
      default:
        return;
    }
  }

  async #claim(shape: Shape, onEmpty: OnEmpty, timeout: number): Promise<void> {
    const abort = new AbortController();
    const order = this.#claims++;
    const pending = { shape, abort, boots: onEmpty === 'boot', order };
    this.#pending.add(pending);
    try {
      const claim = await this.#world.claim(shape, { onEmpty, timeout, signal: abort.signal });
      this.#handed(claim, shape);
      if (!claim.hit) this.#servedInOrder(shapeKey(shape), order);
    } catch (error) {
      const { code } = error as FsbError;
      if (!['no_capacity', 'run_failed', 'cancelled', 'unavailable'].includes(code))
        this.#problems.push(`a claim failed with ${code}: ${String(error)}`);
      if (code === 'run_failed' && !this.#faults) this.#problems.push(`no boot fails, but: ${String(error)}`);
    } finally {
      this.#pending.delete(pending);
      this.#settledClaims += 1;
    }
  }

  #handed(claim: Claim, shape: Shape): void {
    const { instance } = claim;
    if (this.#everHanded.has(instance.id)) this.#problems.push(`${instance.id} was handed out twice`);
    if (shapeKey(instance.shape) !== shapeKey(shape))
      this.#problems.push(`${instance.id} is of another shape`);
    if (instance.state !== 'claimed') this.#problems.push(`${instance.id} was handed out ${instance.state}`);
    this.#everHanded.add(instance.id);
    this.#held.push(claim);
  }

  /** A check that fails sends its claim back to its place in line, and another may end first: not an error. */
  #servedInOrder(key: string, order: number): void {
    if (!this.#faults && order < (this.#lastMiss.get(key) ?? -1))
      this.#problems.push(`claim ${order} was served after one that came later`);
    this.#lastMiss.set(key, order);
  }

  #check(): void {
    this.#expectNoProblems();
    const { pool, fake } = this.#world;
    const rows = pool.status();
    let count = 0;
    let memory = 0;
    for (const row of rows) {
      const live = row.idle + row.claimed + row.booting + row.stopping;
      count += live;
      memory += live * shapes.find((shape) => shapeKey(shape) === row.shape)!.resources.memory;
    }
    expect(count).toBeLessThanOrEqual(MAX);
    expect(memory).toBeLessThanOrEqual(MEMORY);
    expect(fake.counts.peak).toBeLessThanOrEqual(MAX);
    expect(fake.counts.peakBooting).toBeLessThanOrEqual(this.#faults ? MAX : 3);
    // What the pool counts is what there is: no orphan, and no room held by nothing.
    expect(fake.counts.live + fake.counts.booting).toBe(count);
    expect(rows.reduce((sum, row) => sum + row.claimed, 0)).toBeGreaterThanOrEqual(this.#held.length);
    for (const row of rows) if (row.waiting > 0) expect(row.idle).toBe(0);
    if (!this.#faults) this.#checkProgress(count, memory);
  }

  /** When nothing is under way, whoever still waits cannot be served, and what is to be warm is warm or does not fit. */
  #checkProgress(count: number, memory: number): void {
    const rows = this.#world.pool.status();
    if (rows.some((row) => row.booting + row.stopping > 0)) return;
    const idleMemory = rows.reduce((sum, row) => sum + row.idle * this.#memoryOf(row.shape), 0);
    const idleCount = rows.reduce((sum, row) => sum + row.idle, 0);
    const [head] = this.#pending;
    if (head?.boots) {
      const fits = count - idleCount < MAX && memory - idleMemory + head.shape.resources.memory <= MEMORY;
      expect(fits).toBe(false);
      return;
    }
    if (this.#pending.size > 0) return;
    shapes.forEach((shape, index) => {
      const idle = this.#world.row(shape).idle;
      const fits = count < MAX && memory + shape.resources.memory <= MEMORY;
      if (fits) expect(idle).toBeGreaterThanOrEqual(this.#warm[index]!);
      expect(idle).toBeLessThanOrEqual(this.#warm[index]!);
    });
  }

  #memoryOf(key: string): number {
    return shapes.find((shape) => shapeKey(shape) === key)!.resources.memory;
  }

  #expectNoProblems(): void {
    expect(this.#problems).toEqual([]);
  }
}
