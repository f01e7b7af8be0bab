import pino from 'pino';
import { bootInstance } from '../../src/core/instance/boot-instance.ts';
import type { Instance } from '../../src/core/instance/instance.ts';
import { newInstanceId } from '../../src/core/model/ids.ts';
import type { PoolEvent, PoolPolicy, PoolShapeStatus } from '../../src/core/model/pool.ts';
import { parsePolicy } from '../../src/core/model/pool-policy.ts';
import { defaultResources, type Shape, shapeKey } from '../../src/core/model/shape.ts';
import { createPool } from '../../src/core/pool/create-pool.ts';
import type { Claim, ClaimRequest, Pool } from '../../src/core/pool/pool.ts';
import { createFakeDriver, type FakeDriver } from './fake-driver.ts';
import { createManualClock, type ManualClock, settle } from './manual-clock.ts';

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
  /** Every event so far. */
  readonly events: PoolEvent[];
  /** Every instance that ever booted, by id. */
  readonly booted: Map<string, Instance>;
  claim(shape: Shape, options?: Partial<ClaimRequest>): Promise<Claim>;
  warm(...entries: [Shape, number][]): Promise<void>;
  /** The row of one shape, zeros when the pool does not know it. */
  row(shape: Shape): PoolShapeStatus;
  eventTypes(): string[];
}

/**
 * A pool on the fake driver under a clock that stands still. Buffers are off unless the policy says otherwise. A
 * heedless boot takes no notice of its signal and comes up after all.
 */
export function createPoolWorld(
  policy: Record<string, unknown> = {},
  options: { heedlessBoot?: boolean } = {},
): PoolWorld {
  const clock = createManualClock();
  const fake = createFakeDriver({ clock });
  const booted = new Map<string, Instance>();
  const events: PoolEvent[] = [];
  const capacity = { buffer_min: 0, buffer_max: 0, ...(policy.capacity as object | undefined) };
  const parsed: PoolPolicy = parsePolicy(
    { name: 'default-pool', boot_concurrency: 100, resources: { memory: '6m' }, ...policy, capacity },
    { cores: 2, memory: 1024 * 1024 * MiB },
  );
  const pool = createPool({
    policy: parsed,
    clock,
    log: pino({ level: 'silent' }),
    boot: async (shape, signal) => {
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
      return row ?? { pool: parsed.name, shape: key, image: '', max: parsed.capacity.max, ...empty };
    },
    eventTypes: () => events.map((event) => event.type),
  };
}

export { settle };
