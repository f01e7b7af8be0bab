import pino from 'pino';
import { HelperInstances } from '../../../src/core/agent/files/helper-instances.ts';
import { Leases } from '../../../src/core/agent/leases/leases.ts';
import { Runs } from '../../../src/core/agent/leases/runs.ts';
import { Ledger } from '../../../src/core/agent/ledger/ledger.ts';
import { recordingDriver } from '../../../src/core/agent/ledger/recording-driver.ts';
import type { InstanceRecord } from '../../../src/core/agent/ledger/records.ts';
import { PoolAdmin } from '../../../src/core/agent/pools/pool-admin.ts';
import type { PoolRecord } from '../../../src/core/agent/pools/pool-record.ts';
import { Pools } from '../../../src/core/agent/pools/pools.ts';
import type { ExecRequest } from '../../../src/core/api/sandbox-api.ts';
import { EventLog } from '../../../src/core/events/event-log.ts';
import type { OpenChannel } from '../../../src/core/guest/guest-channel.ts';
import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import type { Clock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { emptyImageConfig, type ImageConfig } from '../../../src/core/model/image/image.ts';
import { machinePlatform } from '../../../src/core/model/image/platform.ts';
import type { PoolPolicyInput } from '../../../src/core/model/pool/pool-policy.ts';
import { createPool } from '../../../src/core/pool/create-pool.ts';
import { createManualClock, settle } from '../manual-clock.ts';
import { createFakeDriver, type FakeDriver } from '../pool/fake-driver.ts';
import { memoryTable } from './memory-table.ts';

/** Images by name, as the test says; whoever listens is told of every change. */
export function scriptedImages() {
  const digests = new Map([['host', 'sha256:host']]);
  const listeners = new Set<(replaced: readonly string[]) => void>();
  const config: ImageConfig = { ...emptyImageConfig, env: ['FROM=image'], workingDir: '/work', user: 'me' };
  return {
    /** A name that means this image from now on; undefined: nothing. */
    name(reference: string, digest: string | undefined) {
      const before = digests.get(reference);
      if (digest === undefined) digests.delete(reference);
      else digests.set(reference, digest);
      for (const listener of listeners) listener(before === undefined ? [] : [before]);
    },
    async resolve(reference: string) {
      const digest = reference.startsWith('sha256:') ? reference : digests.get(reference);
      if (digest === undefined) throw new FsbError('not_found', `image ${reference} is not here`);
      return { reference, digest, platform: machinePlatform(), config, root: { overlays: [] } };
    },
    hold: () => () => {},
    onNamesChanged(listener: (replaced: readonly string[]) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type NodeWorld = Awaited<ReturnType<typeof createNodeWorld>>;

/** What stands around the pools of one node, on the fake driver, under a clock that stands still. */
export async function createNodeWorld(said: Partial<PoolPolicyInput> = {}, earlier?: Tables) {
  const clock = createManualClock();
  return { ...buildNode(said, { clock, fake: createFakeDriver({ clock }) }, earlier), clock };
}

interface Outside {
  clock: Clock;
  fake: FakeDriver;
  /** How guests are reached; left out: as the driver does. */
  openChannel?: OpenChannel;
}

/** The same on what the test has. */
export function buildNode(
  said: Partial<PoolPolicyInput>,
  { clock, fake, openChannel = fake.openChannel }: Outside,
  earlier?: Tables,
) {
  const log = pino({ level: 'silent' });
  const images = scriptedImages();
  const tables = earlier ?? { pools: memoryTable<PoolRecord>(), instances: memoryTable<InstanceRecord>() };
  const ledger = new Ledger(tables.instances);
  const recording = recordingDriver(fake.driver, ledger, images);
  const events = new EventLog(clock);
  const most = { cores: 2, pids: 32_768 };
  const size = { ...most, memory: 64 * 1024 ** 3 };
  const ground = { images, runtime: 'fake', most, ownDirectories: [], clock, log };
  const pools = new Pools({
    ...{ ...ground, node: size, table: tables.pools, ledger, events },
    files: recording.files,
    makePool: (policy) =>
      createPool({
        ...{ policy, clock, log },
        boot: (shape, signal) => {
          const request = { id: shape.again ?? newInstanceId(), shape, root: { overlays: [] } };
          return bootInstance(recording.forPool(policy.name), openChannel, request, { clock, signal });
        },
      }),
  });
  const admin = new PoolAdmin({ node: size, runtime: 'fake', pools, table: tables.pools, clock });
  const leases = new Leases({ ...ground, pools });
  const runs = new Runs({ ...ground, pools });
  const helpers = new HelperInstances({ ...ground, pools, ledger, files: recording.files });
  const open = async (): Promise<void> => {
    await pools.open(said);
    await pools.start();
    await settle();
  };
  return {
    ground,
    fake,
    images,
    tables,
    ledger,
    recording,
    events,
    pools,
    admin,
    leases,
    runs,
    helpers,
    open,
  };
}

interface Tables {
  pools: ReturnType<typeof memoryTable<PoolRecord>>;
  instances: ReturnType<typeof memoryTable<InstanceRecord>>;
}

/** The same, with its pools open and warm. */
export async function openNodeWorld(
  said: Partial<PoolPolicyInput> = {},
  earlier?: Tables,
): Promise<NodeWorld> {
  const world = await createNodeWorld(said, earlier);
  await world.open();
  return world;
}

export const command = (...argv: string[]): ExecRequest => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
});

export { settle };
