import type { StartedSandbox, StartRequest } from '../../api/agent-api.ts';
import type { GuestProcess } from '../../guest/guest-channel.ts';
import type { LogStore, LogWriter } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { diskError } from '../../model/failure/disk-failure.ts';
import { throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { StreamName } from '../../model/process.ts';
import { processFor, stopSignalOf, termsWith } from '../../model/sandbox/command.ts';
import type { NetworkMode } from '../../model/sandbox/shape.ts';
import type { RecordTable } from '../../store/store.ts';
import type { HelperInstances } from '../files/helper-instances.ts';
import { onDiskOf } from '../ledger/disk-under.ts';
import { imageUnder } from '../ledger/image-under.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { MAIN_PROCESS, type SlotRecord } from '../ledger/records.ts';
import { takeLogOver } from '../logs/take-log-over.ts';
import type { HeldInstance, Holder } from '../pools/held-instance.ts';
import type { Pools } from '../pools/pools.ts';
import { resolveShape, type ShapeGround } from '../shape-of.ts';
import { foreignImageError } from './foreign-image.ts';
import { earlierKills } from './memory-verdict.ts';

export interface SandboxGround extends ShapeGround {
  /** Name of this node. */
  node: string;
  pools: Pools;
  logs: LogStore;
  slots: RecordTable<SlotRecord>;
  ledger: Pick<Ledger, 'get'>;
  helpers: Pick<HelperInstances, 'handOver'>;
  files: Pick<KeptFiles, 'logOf' | 'logCame'>;
  clock: Clock;
}

/** A sandbox whose main process runs, and all that its care needs. */
export interface SandboxParts {
  sandboxId: string;
  slot: SlotRecord;
  held: HeldInstance;
  main: GuestProcess;
  log: LogWriter;
  /** Readers come in a moment, for all that it says from now on. */
  awaited?: boolean | undefined;
}

/**
 * Claims an instance, starts the main process in it, and puts both on record.
 * @param abandoned is told of an instance that was claimed for nothing, and when it is gone
 * @throws as AgentApi.start; nothing but records is left then
 */
export async function startSandbox(
  { sandboxId, claimName, spec, imageDigest, filesOf, awaited, size }: StartRequest,
  ground: SandboxGround,
  holder: Holder,
  abandoned: (gone: Promise<void>) => void,
  signal: AbortSignal,
): Promise<{ parts: SandboxParts; started: StartedSandbox }> {
  const { node, pools, logs, slots, clock } = ground;
  const pool = pools.require(spec.pool_ref);
  const again = filesOf === undefined ? undefined : await ground.helpers.handOver(filesOf, sandboxId, signal);
  failpoint('start.files');
  if (again !== undefined) {
    await takeLogOver(sandboxId, ground.files, logs);
    failpoint('start.log');
  }
  const logBegin =
    again === undefined ? undefined : furthest(await logs.offsets(sandboxId), slots.get(filesOf!)?.end?.said);
  const known =
    again === undefined
      ? { imageDigest }
      : { imageDigest: imageUnder(again, spec, ground.ledger), isKept: true };
  const resolved = await resolveShape(spec, pool.pool.policy, ground, known);
  const { image } = resolved;
  const shape =
    again === undefined ? resolved.shape : { ...onDiskOf(again, resolved.shape, ground.ledger), again };
  // Until an instance of it does: a claim may have to wait for its turn.
  const release = ground.images.hold(image.digest);
  const process = { ...processFor(spec, image.config), tty: spec.tty, stdin: spec.stdin };
  const stopSignal = stopSignalOf(image.config);
  const given = { resources: shape.resources, ...termsWith(spec, image.config) };
  const terms = {
    ...{ claimName, process, given },
    ...(stopSignal !== undefined && { stopSignal }),
    ...(logBegin !== undefined && { logBegin }),
  };
  const opening = logs.writer(sandboxId, logBegin);
  opening.catch(noop);
  let held: HeldInstance | undefined;
  try {
    held = await pool.claim({ shape, image: image.reference, signal }, holder);
    throwIfAborted(signal);
    failpoint('start.claimed');
    const slot = await slotOf(held, terms, clock);
    // The records are written while the guest starts the command; a crash in between leaves a trace either way.
    const recorded = Promise.all([held.use({ by: 'sandbox', sandboxId }), slots.put(sandboxId, slot)]);
    recorded.catch(noop);
    const main = await held.instance.channel.spawn(MAIN_PROCESS, { ...process, size }, signal);
    failpoint('start.spawned');
    const log = await opening;
    await recorded;
    failpoint('start.recorded');
    const { instance, hit: warm } = held;
    const { startedAt } = slot;
    const endpoints = endpointsOf(spec.network, given.exposed_ports);
    return {
      parts: { sandboxId, slot, held, main, log, awaited },
      started: { node, instance: instance.id, warm, startedAt, endpoints, given },
    };
  } catch (error) {
    // Whatever was started in it is not known well enough to let somebody else use it.
    if (held) abandoned(held.giveBack({ destroy: true, filesFor: again && sandboxId }));
    await opening.then((log) => log.close(), noop);
    throw foreignImageError(error, image) ?? diskError('cannot start the sandbox', error) ?? error;
  } finally {
    release();
  }
}

type Offsets = Readonly<Record<StreamName, number>>;

/** Behind all that there was, also what the files of the log have lost: that shows as missing then. */
const furthest = (inLog: Offsets, said = inLog): Offsets => ({
  stdout: Math.max(inLog.stdout, said.stdout),
  stderr: Math.max(inLog.stderr, said.stderr),
});

async function slotOf(
  { instance, fresh }: HeldInstance,
  terms: Omit<SlotRecord, 'instance' | 'startedAt'>,
  clock: Clock,
): Promise<SlotRecord> {
  const slot = { ...terms, instance: instance.id, startedAt: clock.now() };
  return fresh ? slot : { ...slot, earlierKills: await earlierKills(instance) };
}

/** Where the exposed ports can be reached: nowhere, unless the sandbox shares the node's network. */
function endpointsOf(network: NetworkMode, ports: readonly number[]): string[] {
  return network === 'host' ? ports.map((port) => `127.0.0.1:${port}`) : [];
}
