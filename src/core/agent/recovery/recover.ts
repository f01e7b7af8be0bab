import type { Logger } from 'pino';
import type { ImageStore } from '../../image/image-store.ts';
import type { Instance } from '../../instance/instance.ts';
import type { LogStore } from '../../logs/log-store.ts';
import type { Clock } from '../../model/clock.ts';
import { failpoint } from '../../model/failpoint.ts';
import type { RecoveryResult } from '../../model/system.ts';
import type { RuntimeInstance } from '../../runtime/driver.ts';
import type { RecordTable } from '../../store/store.ts';
import type { Agent } from '../agent.ts';
import type { Leases } from '../leases/leases.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RecordingDriver } from '../ledger/recording-driver.ts';
import { type InstanceRecord, type LeaseRecord, MAIN_PROCESS, type SlotRecord } from '../ledger/records.ts';
import type { NamedPool } from '../pools/named-pool.ts';
import type { Pools } from '../pools/pools.ts';
import type { RetainedLogs } from '../sandboxes/retained-logs.ts';
import { verdict } from './verdict.ts';

const ADOPT_ATTEMPTS = 3;
const NOTHING = { running: 0, leases: 0, idle: 0, files: 0, destroyed: 0, lost: 0, failed: 0 };

export interface RecoveryOptions {
  agent: Agent;
  leases: Leases;
  recording: RecordingDriver;
  pools: Pools;
  images: ImageStore;
  logs: LogStore;
  retained: Pick<RetainedLogs, 'get'>;
  ledger: Ledger;
  slots: RecordTable<SlotRecord>;
  /** Wraps a living instance; connects to its guest. */
  adopt: (found: RuntimeInstance, record: InstanceRecord, state: 'idle' | 'claimed') => Promise<Instance>;
  clock: Clock;
  log: Logger;
}

/**
 * Compares ledger and runtime after a start: adopts what lives and is wanted, destroys the rest, and writes down as
 * lost what was wanted and is gone.
 */
export async function recover(options: RecoveryOptions): Promise<RecoveryResult> {
  const { ledger, slots, logs, retained, recording } = options;
  const result: RecoveryResult = { ...NOTHING };
  const found = new Map((await recording.list()).map((instance) => [instance.id, instance]));
  failpoint('recover.listed');
  const ids = new Set([...found.keys(), ...ledger.ids()]);
  await Promise.all([...ids].map((id) => recoverInstance(id, found.get(id), options, result)));

  for (const [sandboxId] of slots.entries()) {
    // Looked up anew: one that was taken up may have ended, and have been recorded, while another was written.
    const slot = slots.get(sandboxId);
    if (slot === undefined || slot.end !== undefined || options.agent.holds(sandboxId)) continue;
    const reason = 'its instance was gone when the core came back';
    await slots.put(sandboxId, { ...slot, end: { kind: 'lost', at: options.clock.now(), reason } });
    result.lost += 1;
  }
  for (const sandboxId of await logs.list())
    if (slots.get(sandboxId) === undefined && retained.get(sandboxId) === undefined)
      await logs.remove(sandboxId);
  failpoint('recover.done');
  return result;
}

async function recoverInstance(
  id: string,
  found: RuntimeInstance | undefined,
  options: RecoveryOptions,
  result: RecoveryResult,
): Promise<void> {
  const { recording, log } = options;
  try {
    const outcome = await settle(id, found, options);
    failpoint('recover.settled');
    if (outcome === 'destroyed') await recording.destroy(id);
    result[outcome] += 1;
  } catch (error) {
    log.error({ err: error, instance: id }, 'cannot recover an instance');
    // Nobody holds it now, and its sandbox will be called lost: left alive, it would outlive its own deletion. One that
    // cannot be destroyed keeps its record, so the next start tries again.
    await recording.destroy(id).then(
      () => {
        result.destroyed += 1;
      },
      (err) => {
        result.failed += 1;
        log.error({ err, instance: id }, 'cannot destroy an instance');
      },
    );
  }
}

/** `destroyed`: it is to be. */
async function settle(
  id: string,
  found: RuntimeInstance | undefined,
  options: RecoveryOptions,
): Promise<'running' | 'leases' | 'idle' | 'files' | 'destroyed'> {
  const { ledger, slots, pools, recording } = options;
  const record = ledger.get(id);
  const pool = record && pools.find(record.pool);
  const use = record?.use;
  const slot = use?.by === 'sandbox' ? slots.get(use.sandboxId) : undefined;
  if (!record) return 'destroyed';
  // Without its pool nobody can take it up, but files need none.
  const alive = found?.alive === true && pool !== undefined;
  const decision = verdict(alive, record, slot, pool?.pool.policy);
  if (use !== undefined && 'sandboxId' in use && decision !== 'destroy') {
    recording.holdImage(id, record.shape.image);
    // Also of one that cannot be taken up.
    recording.files.keep(id, use.sandboxId);
  }
  if (decision === 'keep-files') {
    // There may be thousands of those.
    if (!found?.onlyFiles) await recording.destroy(id);
    else if (use?.by !== 'files') await recording.files.settle(id);
    return 'files';
  }
  if (!found?.alive || !pool) return 'destroyed';
  if (decision === 'keep-idle') return (await keepIdle(found, record, pool, options)) ? 'idle' : 'destroyed';
  if (decision === 'take-up' && use?.by === 'sandbox')
    return (await takeUp(found, record, use.sandboxId, slot!, pool, options)) ? 'running' : 'destroyed';
  if (decision === 'take-up' && use?.by === 'lease')
    return (await takeUpLease(found, record, use.lease, pool, options)) ? 'leases' : 'destroyed';
  return 'destroyed';
}

/** False when the guest knows nothing of the sandbox: the core was killed before the command was started. */
async function takeUp(
  found: RuntimeInstance,
  record: InstanceRecord,
  sandboxId: string,
  slot: SlotRecord,
  pool: NamedPool,
  { agent, recording, adopt, logs, images, log: logger }: RecoveryOptions,
): Promise<boolean> {
  // A frozen guest cannot answer; it is frozen again as soon as it has.
  if (slot.paused) await recording.forPool(pool.name).resume(found.id);
  const instance = await patiently(() => adopt(found, record, 'claimed'));
  const main = instance.channel.known.find((known) => known.id === MAIN_PROCESS);
  if (!main) {
    await instance.destroy('its command was never started');
    return false;
  }
  const log = await logs.writer(sandboxId);
  const resumed = instance.channel.resume(MAIN_PROCESS, log.offsets);
  const image = await nameOf(images, record);
  const held = pool.adopt(instance, image, agent.holderOf(sandboxId, slot.claimName), record.use!);
  if (held === undefined) {
    await log.close();
    return false;
  }
  if (slot.given !== undefined) held.resize(slot.given.resources.memory, true);
  const run = agent.takeUp({ sandboxId, slot, held, main: resumed, log });
  await run.execs.letRun(MAIN_PROCESS);
  // It is taken up, and its record says that it runs: no reason to end it.
  if (slot.paused)
    await run
      .pause()
      .catch((err) => logger.error({ err, sandbox: sandboxId }, 'cannot freeze a sandbox again'));
  return true;
}

/** False when its instance died on the way. */
async function takeUpLease(
  found: RuntimeInstance,
  record: InstanceRecord,
  lease: LeaseRecord,
  pool: NamedPool,
  { leases, recording, adopt, images }: RecoveryOptions,
): Promise<boolean> {
  recording.holdImage(found.id, record.shape.image);
  const instance = await patiently(() => adopt(found, record, 'claimed'));
  const image = await nameOf(images, record);
  const held = pool.adopt(instance, image, leases.holderOf(lease.id), record.use!);
  if (held === undefined) return false;
  await leases.takeUp(lease, pool, held);
  return true;
}

/** As people know it; the digest when it has no name any more. */
async function nameOf(images: Pick<ImageStore, 'resolve'>, { shape }: InstanceRecord): Promise<string> {
  const image = await images.resolve(shape.image).catch(() => undefined);
  return image?.reference ?? shape.image;
}

/** A busy machine may keep a guest from answering in time; a running sandbox is worth a second and a third try. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ADOPT_ATTEMPTS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}

async function keepIdle(
  found: RuntimeInstance,
  record: InstanceRecord,
  pool: NamedPool,
  { recording, adopt, images }: RecoveryOptions,
): Promise<boolean> {
  // The image may be gone meanwhile (the host image follows the machine): such an instance is stale.
  const image = await images.resolve(record.shape.image).catch(() => undefined);
  if (image === undefined) return false;
  recording.holdImage(found.id, record.shape.image);
  // A frozen guest cannot answer. One that was not frozen yet is as it should be.
  if (pool.pool.policy.pauseIdle) await recording.forPool(pool.name).resume(found.id).catch(noop);
  const instance = await adopt(found, record, 'idle');
  if (instance.channel.known.length > 0) {
    await instance.destroy('a command was started in it and never recorded');
    return false;
  }
  pool.adoptIdle(instance, image.reference);
  return true;
}

const noop = (): void => {};
