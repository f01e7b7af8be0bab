import pino from 'pino';
import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import type { Instance } from '../../../src/core/instance/instance.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import type { PoolEvent, PoolMeter, PoolPolicy, PoolShapeStatus } from '../../../src/core/model/pool/pool.ts';
import { parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { defaultResources, type Shape, shapeKey } from '../../../src/core/model/sandbox/shape.ts';
import { createPool } from '../../../src/core/pool/create-pool.ts';
import type { Claim, ClaimRequest, Pool } from '../../../src/core/pool/pool.ts';
import { createManualClock, type ManualClock, settle } from '../manual-clock.ts';
import { createFakeDriver, type FakeDriver } from './fake-driver.ts';

export const MiB = 1024 * 1024;

/** Two shapes of one name are equal; a name stands for an image. */
export function shapeOf(image: string, changes: Partial<Shape> = {}): Shape {
  return {
    image: `sha256:${image}`,
    runtime: 'fake',
    resources: defaultResources,
    network: 'none',
    mounts: [],
    ...changes,
  };
}

export const shapeOfSize = (image: string, memory: number): Shape =>
  shapeOf(image, { resources: { ...defaultResources, memory } });

export interface PoolWorld {
  readonly pool: Pool;
  readonly fake: FakeDriver;
  readonly clock: ManualClock;
  /** Every call of the meter so far, as it would be written: `claim hit 40`. */
  readonly metered: string[];
  /** Every event so far. */
  readonly events: PoolEvent[];
  /** Every instance that ever booted, by id. */
  readonly booted: Map<string, Instance>;
  claim(shape: Shape, options?: Partial<ClaimRequest>): Promise<Claim>;
  warm(...entries: [Shape, number][]): Promise<void>;
  /** The row of one shape, zeros when the pool does not know it. */
  row(shape: Shape): PoolShapeStatus;
  eventTypes(): string[];
  /** What happened to one instance, with causes: `evicted ttl`. */
  lifeOf(instanceId: string): string[];
  /** Another policy, in the words of the first and these. */
  configure(change: Record<string, unknown>): void;
}

export interface WorldOptions {
  /** A boot takes no notice of its signal and comes up after all. */
  heedlessBoot?: boolean;
  /** Default: every ttl is exact. */
  random?: () => number;
  meter?: Partial<PoolMeter>;
  /** Called when a boot begins. */
  booting?: () => void;
}

/**
 * A pool on the fake driver under a clock that stands still. Buffers and looks are off unless the policy says otherwise.
 */
export function createPoolWorld(policy: Record<string, unknown> = {}, options: WorldOptions = {}): PoolWorld {
  const clock = createManualClock();
  const fake = createFakeDriver({ clock });
  const booted = new Map<string, Instance>();
  const events: PoolEvent[] = [];
  const metered: string[] = [];
  const parsed = (said: Record<string, unknown>): PoolPolicy =>
    parsePolicy(
      {
        ...{ name: 'default-pool', boot_concurrency: 100, resources: { memory: '6m' } },
        // A minimum without it is refused; what is really kept warm is told by warm().
        ...((said.capacity as { min?: number } | undefined)?.min ? { warm: [{ image: 'host' }] } : {}),
        ...said,
        capacity: { buffer_min: 0, buffer_max: 0, ...(said.capacity as object | undefined) },
        health: { interval: 0, ...(said.health as object | undefined) },
      },
      { cores: 2, pids: 32_768, memory: 1024 * 1024 * MiB },
    );
  const pool = createPool({
    policy: parsed(policy),
    random: options.random ?? (() => 0.5),
    meter: { ...recordingMeter(metered), ...options.meter },
    clock,
    log: pino({ level: 'silent' }),
    boot: async (shape, signal) => {
      options.booting?.();
      const request = { id: newInstanceId(), shape, root: { overlays: [] } };
      const heard = options.heedlessBoot ? undefined : signal;
      const instance = await bootInstance(fake.driver, fake.openChannel, request, { clock, signal: heard });
      booted.set(instance.id, instance);
      return instance;
    },
  });
  pool.onEvent((event) => events.push(event));
  const empty = {
    warm: 0,
    idle: 0,
    claimed: 0,
    booting: 0,
    stopping: 0,
    waiting: 0,
    hits: 0,
    misses: 0,
    evicted: 0,
  };
  return {
    pool,
    fake,
    clock,
    metered,
    events,
    booted,
    claim: (shape, options) => pool.claim({ shape, image: shape.image.slice('sha256:'.length), ...options }),
    async warm(...entries) {
      pool.keepWarm(entries.map(([shape, count]) => ({ shape, image: shape.image.slice(7), count })));
      await settle();
    },
    row(shape) {
      const key = shapeKey(shape);
      const row = pool.status().find((candidate) => candidate.shape === key);
      const { name, capacity } = pool.policy;
      return row ?? { pool: name, shape: key, image: '', max: capacity.max, ...empty };
    },
    eventTypes: () => events.map((event) => event.type),
    lifeOf: (id) =>
      events
        .filter((event) => 'instance' in event && event.instance === id)
        .map((event) => ('cause' in event ? `${event.type} ${event.cause}` : event.type)),
    configure: (change) => pool.configure(parsed({ ...policy, ...change })),
  };
}

function recordingMeter(metered: string[]): PoolMeter {
  return {
    claim: (result, ms) => metered.push(`claim ${result} ${ms}`),
    waited: (ms) => metered.push(`waited ${ms}`),
    booted: (_, ms) => metered.push(`booted ${ms}`),
    bootFailed: (_, reason) => metered.push(`boot failed ${reason}`),
    evicted: (cause) => metered.push(`evicted ${cause}`),
  };
}

export { settle };
