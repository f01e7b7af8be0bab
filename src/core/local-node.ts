import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Agent } from './agent/agent.ts';
import { HelperInstances } from './agent/files/helper-instances.ts';
import { imageApi } from './agent/image-api.ts';
import { Leases } from './agent/leases/leases.ts';
import { Runs } from './agent/leases/runs.ts';
import { keepsFiles } from './agent/ledger/kept-files.ts';
import { Ledger } from './agent/ledger/ledger.ts';
import { isInstanceRecord, isSlotRecord } from './agent/ledger/record-forms.ts';
import { recordingDriver } from './agent/ledger/recording-driver.ts';
import {
  INSTANCE_RECORD_VERSION,
  type InstanceRecord,
  SLOT_RECORD_VERSION,
  type SlotRecord,
  upgradeInstanceRecord,
} from './agent/ledger/records.ts';
import {
  isRetainedLog,
  RETAINED_LOG_VERSION,
  type RetainedLog,
  RetainedLogs,
} from './agent/logs/retained-logs.ts';
import { poolApi } from './agent/pool-api.ts';
import { PoolAdmin } from './agent/pools/pool-admin.ts';
import { isPoolRecord, POOL_RECORD_VERSION, type PoolRecord } from './agent/pools/pool-record.ts';
import { Pools } from './agent/pools/pools.ts';
import { type Doubt, doubtOf } from './agent/recovery/doubt.ts';
import { Janitor, type JanitorPace } from './agent/recovery/janitor.ts';
import { recover } from './agent/recovery/recover.ts';
import { Unsettled } from './agent/recovery/unsettled.ts';
import type { Cleanup } from './cleanup.ts';
import { EventLog } from './events/event-log.ts';
import { createOpenChannel } from './guest/open-channel.ts';
import { createImageStore } from './image/local-image-store.ts';
import { createRegistries } from './image/registry/client.ts';
import { adoptInstance } from './instance/boot-instance.ts';
import { createLogStore } from './logs/file-log-store.ts';
import { machineInfo, mostPids } from './machine.ts';
import type { Clock } from './model/clock.ts';
import type { Descriptors } from './model/failure/descriptors.ts';
import { FsbError } from './model/failure/errors.ts';
import { HOST_IMAGE } from './model/image/reference.ts';
import { assertLogSize } from './model/logs.ts';
import type { CorePaths } from './model/paths.ts';
import type { PoolMeter } from './model/pool/pool.ts';
import type { PoolPolicyInput } from './model/pool/pool-policy.ts';
import type { Sandbox } from './model/sandbox/sandbox.ts';
import type { Tally } from './model/tally.ts';
import { poolMaker } from './pool-maker.ts';
import type { RuntimeProbe } from './runtime/driver.ts';
import { Launcher } from './runtime/oci/launcher/launcher.ts';
import { createOciDriver, type OciDriver } from './runtime/oci/oci-driver.ts';
import type { RecordStore, RecordTable } from './store/store.ts';
import { isStoreAside } from './upkeep/set-aside.ts';
import { createUpkeep, type Upkeep } from './upkeep/upkeep.ts';

export interface NodeOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  /** A change of the default pool's policy, as a user writes it; see model/pool/pool-policy.ts. Kept for later cores. */
  pool: Partial<PoolPolicyInput>;
  /** Bytes of the log that are kept of each sandbox, at most. Default 48 MiB. */
  logSize?: number;
  /** Milliseconds that the log of a deleted sandbox is kept. Default 0: it goes with it. */
  logRetention?: number;
  /** How soon an instance goes that nobody holds. */
  janitor?: JanitorPace;
  /** False: pools keep nothing idle, whatever their policies say; a claim boots what it needs. */
  warm?: boolean;
  /** Where each pool counts what it does. */
  meter?: (pool: string) => PoolMeter;
  /** What its parts count. */
  tally: Tally;
  records: RecordStore;
  /** Those of the controller. */
  sandboxes: RecordTable<Sandbox>;
  descriptors: Descriptors;
  clock: Clock;
  log: Logger;
}

export interface LocalNode {
  agent: Agent;
  probe: RuntimeProbe;
  /** For those above the node, whose events belong into the same order. */
  events: EventLog;
  upkeep: Upkeep;
  doubt: Doubt;
  /** Something that this node runs for others may be at an end of any connection over loopback. */
  isNetworkShared: () => boolean;
}

/**
 * Everything that runs instances on this machine, recovered and about to be warm: driver, images, logs, pools, agent,
 * janitor.
 * @throws run_failed when there is no runtime, with what to do about it; as Pools.open
 */
export async function startNode(options: NodeOptions, cleanup: Cleanup): Promise<LocalNode> {
  const { paths, records, clock, log } = options;
  const logOf = (component: string): Logger => log.child({ component });
  const { driver, probe } = await openRuntime({ ...options, log: logOf('runtime') }, cleanup);
  const events = new EventLog(clock);
  cleanup.add('events', () => events.close());
  const registries = createRegistries({
    file: paths.registries,
    env: process.env,
    log: logOf('images'),
    clock,
  });
  cleanup.add('registries', () => registries.close());
  const launcher = new Launcher(join(options.guestDirectory, 'fsb-launch'), clock);
  cleanup.add('launcher of the image store', () => launcher.close());
  const images = await createImageStore({
    stateDir: paths.state,
    registries,
    launch: (words, terms) => launcher.run(words, terms),
    happened: (happening) => events.append(happening),
    log: logOf('images'),
    clock,
  });
  cleanup.add('images', async () => {
    // First, so that no pull waits for a server: the store waits for its pulls.
    await registries.close();
    await images.close();
  });
  const logs = await createLogStore({
    directory: join(paths.state, 'logs'),
    ...keptLog(options),
    tally: options.tally.logs,
    clock,
    log: logOf('logs'),
  });
  cleanup.add('logs', () => logs.close());

  const instances = records.table<InstanceRecord>('instances', INSTANCE_RECORD_VERSION, {
    upgrade: upgradeInstanceRecord,
    fits: isInstanceRecord,
  });
  const ledger = new Ledger(instances);
  const slots = records.table<SlotRecord>('slots', SLOT_RECORD_VERSION, { fits: isSlotRecord });
  const table = records.table<PoolRecord>('pools', POOL_RECORD_VERSION, { fits: isPoolRecord });
  const retained = new RetainedLogs({
    table: records.table<RetainedLog>('retained-logs', RETAINED_LOG_VERSION, { fits: isRetainedLog }),
    ...{ logs, retention: options.logRetention ?? 0, clock, log: logOf('logs') },
  });
  cleanup.add('retained logs', () => retained.close());
  const recording = recordingDriver(driver, ledger, images);
  /** Instances that boot: their pools learn their ids only when they are up. */
  const booting = new Set<string>();
  const makePool = poolMaker({ ...options, recording, images, booting });

  const runtime = probe.name;
  const { cpus: cores, memory } = machineInfo();
  const most = { cores, pids: mostPids() };
  const size = { ...most, memory };
  const ownDirectories = [paths.state, paths.run];
  const ground = { images, runtime, most, ownDirectories, clock, log: logOf('agent') };
  const pools = new Pools({
    ...ground,
    log: logOf('pools'),
    node: size,
    table,
    makePool,
    ledger,
    events,
    files: recording.files,
  });
  const leases = new Leases({ ...ground, pools });
  const runs = new Runs({ ...ground, pools });
  const helpers = new HelperInstances({ ...ground, pools, ledger, files: recording.files });
  const endedOn = (digest: string): string[] =>
    recording.files
      .ownersOn(digest)
      .map((sandboxId) => slots.get(sandboxId)?.claimName ?? sandboxId)
      .sort();
  const unsettled = new Unsettled({ clock, log: logOf('agent') });
  const agent = new Agent({
    ...ground,
    node: hostname(),
    ...{ pools, leases, runs, helpers, logs, retained, slots, ledger },
    files: recording.files,
    unsettled,
    abandon: (instance, filesFor) => {
      const { shape = {}, pool = '' } = ledger.get(instance) ?? {};
      if (filesFor !== undefined && keepsFiles(shape, pools.find(pool)?.pool.policy))
        recording.files.keep(instance, filesFor);
      else recording.files.drop(instance);
      return recording.destroy(instance);
    },
    poolApi: poolApi(new PoolAdmin({ node: size, runtime, pools, table, clock }), leases, runs),
    imageApi: imageApi(images, pools, endedOn),
    events: (query, callOptions) => events.read(query, callOptions),
  });
  cleanup.add('agent', () => agent.close());
  cleanup.add('unsettled instances', () => unsettled.close());
  await pools.open(options.pool);

  // Recovery asks for images by digest; that of the host image is known only once it was looked at. Without room for a new
  // one the core starts all the same, since only a core can make room: whoever asks for the image is told.
  const warn = (what: string) => (err: unknown) => logOf('images').warn({ err }, what);
  await images
    .resolve(HOST_IMAGE)
    .catch(warn('cannot build the host image; it is tried again when somebody asks for it'));
  const doubt = doubtOf(
    () => records.strange(),
    () => isStoreAside(paths.state),
  );
  const openChannel = createOpenChannel(clock);
  const result = await recover({
    ...{
      doubt,
      unsettled,
      agent,
      leases,
      recording,
      pools,
      images,
      logs,
      retained,
      ledger,
      slots,
      clock,
      log: logOf('agent'),
    },
    adopt: (found, record, state, connectTimeout) => {
      driver.takeUp(found);
      return adoptInstance(recording.forPool(record.pool), openChannel, found, record.shape, state, {
        clock,
        tally: options.tally.guests,
        ...(connectTimeout === undefined ? {} : { connectTimeout }),
      });
    },
  });
  log.info({ ...result, unsettled: unsettled.list().length }, 'recovered');
  await images.sweep().catch(warn('cannot remove images that nobody uses; the next core tries again'));

  const janitor = new Janitor({
    ...options.janitor,
    driver: recording,
    recorded: () => ledger.ids(),
    // Not the ledger: it still has a record of what could not be destroyed, so that the next core tries again too.
    wanted: (id) => pools.holds(id) || booting.has(id) || recording.files.has(id) || unsettled.has(id),
    clock,
    log: logOf('agent'),
  });
  cleanup.add('janitor', () => janitor.close());
  janitor.start();
  await pools.start(options.warm);
  const upkeep = createUpkeep({
    ...{ paths, records, ledger, driver, retained, images: agent.images, store: images },
    written: (signal) => driver.diskUsage(signal),
    recovery: result,
    unclaimed: {
      ...{ state: paths.state, instances: join(paths.state, 'instances', probe.name) },
      ...{ agent, slots, retained, unsettled, doubt, sandboxes: options.sandboxes, files: recording.files },
      destroy: (id) => recording.destroy(id),
    },
    // Of one that its pool still has the janitor knows nothing, and of files in the trash neither does.
    stuck: () => [...new Set([...pools.stuck(), ...janitor.stuck, ...driver.stuck])].sort(),
  });
  const isUnused = (id: string): boolean => booting.has(id) || pools.isIdle(id);
  const isNetworkShared = (): boolean => recording.nodeNetwork.isUsed(isUnused);
  return { agent, probe, events, upkeep, doubt, isNetworkShared };
}

/** When a log is full its oldest third goes. @throws invalid_argument */
function keptLog({ logSize }: NodeOptions): { segmentBytes?: number } {
  if (logSize === undefined) return {};
  assertLogSize(logSize);
  return { segmentBytes: Math.floor(logSize / 3) };
}

/** @throws run_failed when nothing boots sandboxes here */
async function openRuntime(
  { paths, guestDirectory, clock, log }: NodeOptions,
  cleanup: Cleanup,
): Promise<{ driver: OciDriver; probe: RuntimeProbe }> {
  const driver = createOciDriver({
    runtime: 'runc',
    initBinary: join(guestDirectory, 'fsb-init'),
    launchBinary: join(guestDirectory, 'fsb-launch'),
    stateDir: paths.state,
    runDir: paths.run,
    log,
    clock,
  });
  cleanup.add('runtime driver', () => driver.close());
  const probe = await driver.probe();
  if (probe.available) return { driver, probe };
  throw new FsbError('run_failed', `no runtime to boot sandboxes with: ${probe.name}: ${probe.problem}`, {
    hint: `${probe.hint} See all of it with: fsb-ctl doctor`,
  });
}
