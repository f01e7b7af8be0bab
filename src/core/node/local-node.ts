import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Agent } from '../agent/agent.ts';
import { recordingDriver } from '../agent/ledger/recording-driver.ts';
import { saidBy } from '../agent/ledger/records.ts';
import { damagedLogs } from '../agent/logs/damaged-logs.ts';
import { RetainedLogs } from '../agent/logs/retained-logs.ts';
import { type Doubt, doubtOf } from '../agent/recovery/doubt.ts';
import { Janitor } from '../agent/recovery/janitor.ts';
import { recover } from '../agent/recovery/recover.ts';
import type { Cleanup } from '../cleanup.ts';
import { EventLog } from '../events/event-log.ts';
import { createOpenChannel } from '../guest/open-channel.ts';
import { adoptInstance } from '../instance/boot-instance.ts';
import type { Said } from '../logs/log-store.ts';
import { HOST_IMAGE } from '../model/image/reference.ts';
import type { RuntimeProbe } from '../runtime/driver.ts';
import { isStoreAside } from '../upkeep/set-aside.ts';
import { createUpkeep, type Upkeep } from '../upkeep/upkeep.ts';
import { assembleAgent } from './assemble-agent.ts';
import type { NodeOptions } from './node-options.ts';
import { nodeRecords } from './node-records.ts';
import { openImages } from './open-images.ts';
import { openLogs } from './open-logs.ts';
import { openRuntime } from './open-runtime.ts';
import { poolMaker } from './pool-maker.ts';

export interface LocalNode {
  agent: Agent;
  probe: RuntimeProbe;
  /** For those above the node, whose events belong into the same order. */
  events: EventLog;
  upkeep: Upkeep;
  doubt: Doubt;
  /** Something that this node runs for others may be at an end of any connection over loopback. */
  isNetworkShared: () => boolean;
  /** As Pools.open */
  unwarmed: string[];
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
  const images = await openImages({ ...options, events, log: logOf('images') }, cleanup);
  const onRecord = nodeRecords(records);
  const { ledger, slots } = onRecord;
  const said = (id: string): Said | undefined => saidBy(slots.get(id));
  const logs = await openLogs({ ...options, said, log: logOf('logs') }, cleanup);
  const retained = new RetainedLogs({
    table: onRecord.retainedTable,
    ...{ logs, retention: options.logRetention ?? 0, clock, log: logOf('logs') },
  });
  cleanup.add('retained logs', () => retained.close());
  const recording = recordingDriver(driver, ledger, images);
  /** Instances that boot: their pools learn their ids only when they are up. */
  const booting = new Set<string>();
  const makePool = poolMaker({ ...options, recording, images, booting });
  const { agent, pools, leases, unsettled } = assembleAgent(
    {
      ...{ paths, runtime: probe.name, recording, images, logs, retained, events, onRecord },
      ...{ makePool, clock, logOf },
    },
    cleanup,
  );
  const unwarmed = await pools.open(options.pool);

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
    ...{ doubt, unsettled, agent, leases, recording, pools, images, logs, retained, ledger, slots },
    ...{ clock, log: logOf('agent') },
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
    damagedLogs: () => damagedLogs(slots, recording.files, logs),
    // Of one that its pool still has the janitor knows nothing, and of files in the trash neither does.
    stuck: () => [...new Set([...pools.stuck(), ...janitor.stuck, ...driver.stuck])].sort(),
  });
  const isUnused = (id: string): boolean => booting.has(id) || pools.isIdle(id);
  const isNetworkShared = (): boolean => recording.nodeNetwork.isUsed(isUnused);
  return { agent, probe, events, upkeep, doubt, isNetworkShared, unwarmed };
}
