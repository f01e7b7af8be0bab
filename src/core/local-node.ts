import { cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Agent } from './agent/agent.ts';
import { imageApi } from './agent/image-api.ts';
import { Janitor } from './agent/janitor.ts';
import { recordingDriver } from './agent/recording-driver.ts';
import {
  INSTANCE_RECORD_VERSION,
  type InstanceRecord,
  SLOT_RECORD_VERSION,
  type SlotRecord,
} from './agent/records.ts';
import { recover } from './agent/recovery.ts';
import { WarmImages } from './agent/warm-images.ts';
import type { Cleanup } from './cleanup.ts';
import { openChannel } from './guest/open-channel.ts';
import { createImageStore } from './image/local-image-store.ts';
import { adoptInstance, bootInstance } from './instance/boot-instance.ts';
import { createLogStore } from './logs/file-log-store.ts';
import type { Clock } from './model/clock.ts';
import { FsbError } from './model/errors.ts';
import { newInstanceId } from './model/ids.ts';
import type { CorePaths } from './model/paths.ts';
import { defaultPolicy } from './model/pool-policy.ts';
import { HOST_IMAGE } from './model/reference.ts';
import { createPool } from './pool/create-pool.ts';
import type { RuntimeProbe } from './runtime/driver.ts';
import { createOciDriver } from './runtime/oci/oci-driver.ts';
import type { RecordStore } from './store/store.ts';

export interface NodeOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  /** The default pool's policy as a user writes it; see model/pool-policy.ts. */
  pool: Record<string, unknown>;
  records: RecordStore;
  clock: Clock;
  log: Logger;
}

/** Milliseconds. A refill takes tens of processor time; the claim that woke it is done in a few. */
const REFILL_DELAY = 4;

/** Milliseconds for an idle instance to answer a new core: one that was killed half-way through its boot never does. */
const IDLE_ANSWER = 1_000;

export interface LocalNode {
  agent: Agent;
  probe: RuntimeProbe;
}

/**
 * Everything that runs instances on this machine, recovered and warm: driver, images, logs, pool, agent, janitor.
 * @throws run_failed when there is no runtime, with what to do about it
 */
export async function startNode(options: NodeOptions, cleanup: Cleanup): Promise<LocalNode> {
  const { paths, guestDirectory, records, clock, log } = options;
  const node = { cores: cpus().length, memory: totalmem() };
  const policy = defaultPolicy(node, options.pool);

  const oci = createOciDriver({
    runtime: 'runc',
    initBinary: join(guestDirectory, 'fsb-init'),
    launchBinary: join(guestDirectory, 'fsb-launch'),
    stateDir: paths.state,
    runDir: paths.run,
    log,
    clock,
  });
  cleanup.add('runtime driver', () => oci.close());
  const probe = await oci.probe();
  if (!probe.available)
    throw new FsbError('run_failed', `no runtime to boot sandboxes with: ${probe.name}: ${probe.problem}`, {
      hint: `${probe.hint} See all of it with: fsb-ctl doctor`,
    });

  const images = await createImageStore({ stateDir: paths.state, log, clock });
  cleanup.add('images', () => images.close());
  const logs = await createLogStore({ directory: join(paths.state, 'logs'), clock, log });
  cleanup.add('logs', () => logs.close());
  const ledger = records.table<InstanceRecord>('instances', INSTANCE_RECORD_VERSION);
  const slots = records.table<SlotRecord>('slots', SLOT_RECORD_VERSION);
  const recording = recordingDriver(oci, ledger, images);

  /** Instances that boot: the pool learns their ids only when they are up. */
  const booting = new Set<string>();
  const pool = createPool({
    policy,
    clock,
    log,
    refillDelay: REFILL_DELAY,
    boot: async (shape, signal) => {
      const { root } = await images.resolve(shape.image);
      const id = newInstanceId();
      booting.add(id);
      try {
        return await bootInstance(recording.driver, openChannel, { id, shape, root }, { clock, signal });
      } finally {
        booting.delete(id);
      }
    },
  });
  const agent = new Agent({
    node: hostname(),
    runtime: probe.name,
    pool,
    images,
    imageApi: imageApi(images, pool),
    logs,
    ledger,
    slots,
    ownDirectories: [paths.state, paths.run],
    clock,
    log,
  });
  cleanup.add('agent', () => agent.close());

  // Recovery asks for images by digest; that of the host image is known only once it was looked at.
  await images.resolve(HOST_IMAGE);
  const result = await recover({
    agent,
    recording,
    pool,
    images,
    logs,
    ledger,
    slots,
    adopt: (found, record, state) =>
      adoptInstance(recording.driver, openChannel, found, record.shape, state, {
        clock,
        ...(state === 'idle' ? { connectTimeout: IDLE_ANSWER } : {}),
      }),
    clock,
    log,
  });
  log.info(result, 'recovered');
  await images.sweep();

  const janitor = new Janitor({
    driver: recording.driver,
    // Not the ledger: it still has a record of what could not be destroyed, so that the next core tries again too.
    wanted: (id) => pool.holds(id) || booting.has(id),
    clock,
    log,
  });
  cleanup.add('janitor', () => janitor.close());
  janitor.start();

  const warm = new WarmImages({ policy, runtime: probe.name, pool, images, log });
  cleanup.add('warm images', () => warm.close());
  await warm.start();
  return { agent, probe };
}
