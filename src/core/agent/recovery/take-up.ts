import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { KnownProcess } from '../../guest/guest-channel.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { Instance } from '../../instance/instance.ts';
import type { LogStore } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { RuntimeInstance } from '../../runtime/driver.ts';
import type { RecordTable } from '../../store/store.ts';
import type { Agent } from '../agent.ts';
import type { Leases } from '../leases/leases.ts';
import type { RecordingDriver } from '../ledger/recording-driver.ts';
import { type InstanceRecord, type LeaseRecord, MAIN_PROCESS, type SlotRecord } from '../ledger/records.ts';
import type { NamedPool } from '../pools/named-pool.ts';

const ADOPT_ATTEMPTS = 3;
/**
 * Milliseconds for an idle instance to answer a new core: one that was killed half-way through its boot never does. And for
 * a frozen one, in which everything runs meanwhile.
 */
const SHORT_ANSWER = 1_000;

/** What it takes to take up what an earlier core has left running. */
export interface TakeUpGround {
  agent: Pick<Agent, 'holderOf' | 'takeUp'>;
  leases: Pick<Leases, 'holderOf' | 'takeUp'>;
  recording: RecordingDriver;
  images: Pick<ImageStore, 'resolve'>;
  logs: Pick<LogStore, 'writer'>;
  slots: RecordTable<SlotRecord>;
  /** Wraps a living instance; connects to its guest. @param answer milliseconds for that, when it is not worth the usual time */
  adopt: (
    found: RuntimeInstance,
    record: InstanceRecord,
    state: 'idle' | 'claimed',
    answer?: number,
  ) => Promise<Instance>;
  clock: Pick<Clock, 'now'>;
  log: Logger;
}

/** False when the guest knows nothing of the sandbox: the core was killed before the command was started. @throws as it is, it may be tried again */
export async function takeUp(
  found: RuntimeInstance,
  record: InstanceRecord,
  sandboxId: string,
  slot: SlotRecord,
  pool: NamedPool,
  options: TakeUpGround,
): Promise<boolean> {
  const { slots, recording, adopt } = options;
  const { pause, resume } = recording.forPool(pool.name);
  let instance: Instance | undefined;
  try {
    if (slot.paused) {
      // A frozen guest cannot answer; all else in it runs meanwhile.
      await resume(found.id);
      failpoint('recover.thawed');
      instance = await adopt(found, record, 'claimed', SHORT_ANSWER);
      // What fails of that is tried again when it is taken up.
      await instance.suspend().catch(noop);
      failpoint('recover.frozen');
    } else instance = await patiently(() => adopt(found, record, 'claimed'));
    const main = instance.channel.known.find((known) => known.id === MAIN_PROCESS);
    if (main) {
      await takeCare({ sandboxId, slot, instance, pool, main }, record, options);
      return true;
    }
  } catch (error) {
    await instance?.detach();
    if (slot.paused) await pause(found.id).catch(noop);
    throw error;
  }
  // Nobody was told that it had begun. The slot first: one without an instance would tell of a sandbox that was lost.
  await slots.remove(sandboxId);
  failpoint('recover.unbegun');
  await instance.destroy('its command was never started');
  return false;
}

interface Reached {
  sandboxId: string;
  slot: SlotRecord;
  instance: Instance;
  pool: NamedPool;
  main: KnownProcess;
}

/** The guest answers: from here on the agent has the sandbox, unless its log cannot be opened now, or the guest ends. */
async function takeCare(
  { sandboxId, slot, instance, pool, main }: Reached,
  record: InstanceRecord,
  { agent, logs, images, clock, log: logger }: TakeUpGround,
): Promise<void> {
  const complain = (what: string) => (err: unknown) => logger.error({ err, sandbox: sandboxId }, what);
  await applyLimits(instance, slot).catch(complain('cannot set the limits of a sandbox again'));
  const log = await logs.writer(sandboxId, slot.logBegin);
  try {
    // What the guest was told to forget, and is not in the log any more.
    await log.skipTo(main.retained);
    const resumed = instance.channel.resume(MAIN_PROCESS, log.offsets);
    const image = await nameOf(images, record);
    const had = { use: record.use!, age: ageOf(slot.startedAt, clock) };
    const held = pool.adopt(instance, image, agent.holderOf(sandboxId, slot.claimName), had);
    if (held === undefined) throw new FsbError('run_failed', 'its guest closed the connection');
    if (slot.given !== undefined) held.resize(slot.given.resources.memory, true);
    const run = agent.takeUp({ sandboxId, slot, held, main: resumed, log, awaited: true });
    // It is taken up, and its record says what it is: no reason to end it.
    await run.execs.letRun(MAIN_PROCESS).catch(complain('cannot let the commands in a sandbox go on'));
    if (slot.paused) await run.changes.pause().catch(complain('cannot freeze a sandbox again'));
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Those on record: the core may have been killed before they were set. */
async function applyLimits(instance: Instance, { given, resized }: SlotRecord): Promise<void> {
  if (given === undefined) return;
  if (resized || !isDeepStrictEqual(given.resources, instance.shape.resources))
    await instance.update(given.resources);
}

/** @throws as it is, it may be tried again */
export async function takeUpLease(
  found: RuntimeInstance,
  record: InstanceRecord,
  lease: LeaseRecord,
  pool: NamedPool,
  { leases, recording, adopt, images, clock }: TakeUpGround,
): Promise<void> {
  recording.holdImage(found.id, record.shape.image);
  const instance = await patiently(() => adopt(found, record, 'claimed'));
  const image = await nameOf(images, record);
  const had = { use: record.use!, age: ageOf(lease.createdAt, clock) };
  const held = pool.adopt(instance, image, leases.holderOf(lease.id), had);
  if (held === undefined) {
    await instance.detach();
    throw new FsbError('run_failed', 'its guest closed the connection');
  }
  await leases.takeUp(lease, pool, held);
}

/** Milliseconds; the clock on the wall may have been set back since. */
const ageOf = (startedAt: number, clock: Pick<Clock, 'now'>): number => Math.max(0, clock.now() - startedAt);

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

export async function keepIdle(
  found: RuntimeInstance,
  record: InstanceRecord,
  pool: NamedPool,
  { recording, adopt, images }: TakeUpGround,
): Promise<boolean> {
  // The image may be gone meanwhile (the host image follows the machine): such an instance is stale.
  const image = await images.resolve(record.shape.image).catch(() => undefined);
  if (image === undefined) return false;
  recording.holdImage(found.id, record.shape.image);
  // A frozen guest cannot answer. One that was not frozen yet is as it should be.
  if (pool.pool.policy.pauseIdle) await recording.forPool(pool.name).resume(found.id).catch(noop);
  const instance = await adopt(found, record, 'idle', SHORT_ANSWER);
  if (instance.channel.known.length > 0) {
    await instance.destroy('a command was started in it and never recorded');
    return false;
  }
  pool.adoptIdle(instance, image.reference);
  return true;
}
