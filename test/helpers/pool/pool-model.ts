import { expect } from 'vitest';
import type { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { OnEmpty } from '../../../src/core/model/pool/pool.ts';
import { type Shape, shapeKey } from '../../../src/core/model/sandbox/shape.ts';
import type { Claim } from '../../../src/core/pool/pool.ts';
import { EventOrder } from './event-order.ts';
import { type Step, type StepOptions, shapes } from './pool-steps.ts';
import { createPoolWorld, type PoolWorld, settle } from './pool-world.ts';

/** What a claim may fail with; everything else is a mistake of the pool. */
const expectedCodes = ['no_capacity', 'run_failed', 'cancelled', 'unavailable', 'conflict'];
const process = { argv: ['x'], env: {}, cwd: '', user: '', tty: false, stdin: false };

interface Pending {
  shape: Shape;
  abort: AbortController;
  boots: boolean;
  order: number;
}

/** Drives a pool on the fake driver, remembers what it was given, and checks the pool after every step. */
export class PoolModel {
  readonly #options: StepOptions;
  readonly #world: PoolWorld;
  readonly #events = new EventOrder();
  readonly #held: Claim[] = [];
  readonly #returned: Claim[] = [];
  readonly #everHanded = new Set<string>();
  readonly #pending = new Set<Pending>();
  readonly #lastMiss = new Map<string, number>();
  readonly #warm = [0, 0, 0];
  readonly #problems: string[] = [];
  /** Of instances, when it was last looked at: more than max only after max became less. */
  #count = 0;
  #claims = 0;
  #settledClaims = 0;

  constructor(options: StepOptions) {
    this.#options = options;
    const { faults } = options;
    this.#world = createPoolWorld(
      {
        capacity: { max: 6, buffer_min: faults ? 1 : 0, buffer_max: faults ? 2 : 0 },
        memory_budget: '700m',
        boot_timeout: '2s',
        boot_concurrency: 3,
        queue: { length: 40 },
      },
      { random: seeded(), booting: () => this.#checkBoot() },
    );
    this.#world.pool.onEvent((event) => this.#events.note(event));
    this.#world.fake.always('run', { exit: { code: 0 } });
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
    const closed = pool.close();
    const released = this.#held.map((claim) => pool.release(claim));
    await clock.advance(60_000);
    await Promise.all([closed, ...released]);
    this.#expectNoProblems();
    expect(fake.counts).toMatchObject({ live: 0, booting: 0 });
    expect(this.#settledClaims).toBe(this.#claims);
    for (const row of pool.status())
      expect(row).toMatchObject({ idle: 0, booting: 0, stopping: 0, claimed: 0, waiting: 0 });
    expect(pool.totals).toMatchObject({ memory: 0 });
    expect(this.#events.alive).toEqual([]);
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
        if (claim === undefined) return;
        this.#returned.push(claim);
        void pool.release(claim, { destroy: step.destroy });
        return;
      }
      case 'release-again':
        void this.#releaseAgain(pick(this.#returned, step.index));
        return;
      case 'abort':
        pick([...this.#pending], step.index)?.abort.abort();
        return;
      case 'kill':
        fake.killInstance(pick(fake.instances, step.index) ?? '');
        return;
      case 'warm':
        step.counts.forEach((count, index) => {
          this.#warm[index] = count;
        });
        pool.keepWarm(shapes.map((shape, i) => ({ shape, image: shape.image, count: step.counts[i]! })));
        return;
      case 'configure':
        this.#world.configure(step.policy);
        return;
      case 'stop':
      case 'drain':
        pool[step.do]().catch((error: FsbError) => this.#expectCode(step.do, error));
        return;
      case 'start':
        pool.start();
        return;
      case 'reset':
        pool.resetBreakers();
        return;
      case 'press':
        pool.press(step.pressure);
        return;
      case 'script':
        fake.script(step.call, step.step);
        return;
      case 'advance':
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
      this.#expectCode('a claim', error as FsbError);
      if ((error as FsbError).code === 'run_failed' && !this.#options.faults)
        this.#problems.push(`no boot fails, but: ${String(error)}`);
    } finally {
      this.#pending.delete(pending);
      this.#settledClaims += 1;
    }
  }

  #handed(claim: Claim, shape: Shape): void {
    const { instance } = claim;
    const { id, state } = instance;
    if (this.#held.some((other) => other.instance === instance))
      this.#problems.push(`${id} was handed out while another had it`);
    if (this.#everHanded.has(id) && this.#world.pool.policy.reuse === 'one-shot')
      this.#problems.push(`${id} was handed out twice`);
    if (shapeKey(instance.shape) !== shapeKey(shape)) this.#problems.push(`${id} is of another shape`);
    if (state !== 'claimed') this.#problems.push(`${id} was handed out ${state}`);
    this.#everHanded.add(id);
    this.#held.push(claim);
    // Whoever had it before, the warm-up command included, has left the first process id free.
    instance.channel.spawn(1, process).catch((error: FsbError) => {
      if (error.code === 'conflict') this.#problems.push(`${id}: ${error.message}`);
    });
  }

  /** Whoever has it now keeps it. */
  async #releaseAgain(claim: Claim | undefined): Promise<void> {
    if (claim === undefined) return;
    const outcome = await this.#world.pool.release(claim).then(
      () => 'done',
      (error: FsbError) => error.code,
    );
    if (outcome !== 'conflict') this.#problems.push(`a second return ended with ${outcome}`);
  }

  /** A check that fails sends its claim back to its place in line, and another may end first: not an error. */
  #servedInOrder(key: string, order: number): void {
    const { faults, powers } = this.#options;
    if (!faults && !powers && order < (this.#lastMiss.get(key) ?? -1))
      this.#problems.push(`claim ${order} was served after one that came later`);
    this.#lastMiss.set(key, order);
  }

  /** The very moment at which room is spent: never more than there is, also right after the budget has shrunk. */
  #checkBoot(): void {
    const { pool } = this.#world;
    const { idle, claimed, booting, stopping, memory } = pool.totals;
    const { capacity, memoryBudget } = pool.policy;
    if (idle + claimed + booting + stopping > capacity.max || memory > memoryBudget)
      this.#problems.push(`a boot exceeds the budget: ${JSON.stringify(pool.totals)}`);
  }

  #check(): void {
    this.#expectNoProblems();
    const { pool, fake } = this.#world;
    const rows = pool.status();
    const held = rows.map((row) => row.idle + row.claimed + row.booting + row.stopping);
    const count = held.reduce((sum, live) => sum + live, 0);
    const memory = rows.reduce((sum, row, index) => sum + held[index]! * memoryOf(row.shape), 0);
    expect(count).toBeLessThanOrEqual(Math.max(pool.policy.capacity.max, this.#count));
    this.#count = count;
    expect(pool.totals.memory).toBe(memory);
    // What the pool counts is what there is: no orphan, and no room held by nothing.
    expect(fake.counts.live + fake.counts.booting).toBe(count);
    // One that is given up goes on for a while: it holds its room, but not its place.
    expect(pool.totals.booting).toBeLessThanOrEqual(pool.policy.bootConcurrency);
    expect(rows.reduce((sum, row) => sum + row.claimed, 0)).toBeGreaterThanOrEqual(this.#held.length);
    for (const row of rows) if (row.waiting > 0) expect(row.idle).toBe(0);
    for (const { instance } of pool.instances()) expect(pool.holds(instance.id)).toBe(true);
    if (pool.state === 'drained') expect(pool.totals.waiting).toBe(0);
    this.#checkProgress(count, memory);
  }

  /** When nothing is under way, whoever still waits cannot be served, and what is to be warm is warm or does not fit. */
  #checkProgress(count: number, memory: number): void {
    const { pool } = this.#world;
    const rows = pool.status();
    const { idle, claimed, booting, stopping, min } = pool.totals;
    if (booting + stopping > 0 || claimed > this.#held.length || rows.some((row) => row.breaker)) return;
    const { max, bufferMax } = pool.policy.capacity;
    const { memoryBudget } = pool.policy;
    const idleMemory = rows.reduce((sum, row) => sum + row.idle * memoryOf(row.shape), 0);
    const [head] = this.#pending;
    if (head?.boots) {
      const left = memory - idleMemory + head.shape.resources.memory;
      expect(count - idle < max && left <= memoryBudget).toBe(false);
    }
    if (this.#pending.size > 0) return;
    if (pool.state !== 'active') {
      expect(idle).toBe(0);
      return;
    }
    // What is idle beyond the warm counts gives way to what they lack.
    const spare = rows.map((row) => ({ count: Math.max(0, row.idle - row.warm), shape: row.shape }));
    const kept = count - spare.reduce((sum, row) => sum + row.count, 0);
    const keptMemory = memory - spare.reduce((sum, row) => sum + row.count * memoryOf(row.shape), 0);
    shapes.forEach((shape, index) => {
      const row = this.#world.row(shape);
      const fits = kept < max && keptMemory + shape.resources.memory <= memoryBudget;
      if (fits) expect(row.idle).toBeGreaterThanOrEqual(this.#warm[index]!);
      expect(row.idle).toBeLessThanOrEqual(this.#warm[index]! + bufferMax + min);
    });
  }

  #expectCode(what: string, error: FsbError): void {
    if (!expectedCodes.includes(error.code)) this.#problems.push(`${what} failed: ${String(error)}`);
  }

  #expectNoProblems(): void {
    expect([...this.#problems, ...this.#events.problems]).toEqual([]);
  }
}

/** 0 to 1, the same numbers in every run: a failure can be repeated. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

const memoryOf = (key: string): number => shapes.find((shape) => shapeKey(shape) === key)!.resources.memory;
