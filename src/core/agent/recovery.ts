import type { Logger } from 'pino';
import type { GuestChannel } from '../guest/guest-channel.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Instance } from '../instance/instance.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { Clock } from '../model/clock.ts';
import type { Pool } from '../pool/pool.ts';
import type { RuntimeInstance } from '../runtime/driver.ts';
import type { RecordTable } from '../store/store.ts';
import type { Agent } from './agent.ts';
import { execSession } from './exec.ts';
import type { RecordingDriver } from './recording-driver.ts';
import { type InstanceRecord, MAIN_PROCESS, type SlotRecord } from './records.ts';

const ADOPT_ATTEMPTS = 3;

export interface RecoveryOptions {
  agent: Agent;
  recording: RecordingDriver;
  pool: Pool;
  images: ImageStore;
  logs: LogStore;
  ledger: RecordTable<InstanceRecord>;
  slots: RecordTable<SlotRecord>;
  /** Wraps a living instance; connects to its guest. */
  adopt: (found: RuntimeInstance, record: InstanceRecord, state: 'idle' | 'claimed') => Promise<Instance>;
  clock: Clock;
  log: Logger;
}

export interface RecoveryResult {
  /** Sandboxes that still run. */
  running: number;
  /** Warm instances that are used again. */
  idle: number;
  destroyed: number;
  lost: number;
}

/** What to do with one instance of an earlier core: decided by what is recorded and what is really there. */
export type Verdict = 'take-up' | 'keep-idle' | 'destroy';

export function verdict(
  record: InstanceRecord | undefined,
  alive: boolean,
  slot: SlotRecord | undefined,
): Verdict {
  if (record === undefined || !alive) return 'destroy';
  if (record.sandboxId === undefined) return 'keep-idle';
  return slot !== undefined && slot.end === undefined ? 'take-up' : 'destroy';
}

/**
 * Compares ledger and runtime after a start: adopts what lives and is wanted, destroys the rest, and writes down as
 * lost what was wanted and is gone.
 */
export async function recover(options: RecoveryOptions): Promise<RecoveryResult> {
  const { ledger, slots, logs, recording } = options;
  const result: RecoveryResult = { running: 0, idle: 0, destroyed: 0, lost: 0 };
  const found = new Map((await recording.driver.list()).map((instance) => [instance.id, instance]));
  const ids = new Set([...found.keys(), ...[...ledger.entries()].map(([id]) => id)]);
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
    if (slots.get(sandboxId) === undefined) await logs.remove(sandboxId);
  return result;
}

async function recoverInstance(
  id: string,
  found: RuntimeInstance | undefined,
  options: RecoveryOptions,
  result: RecoveryResult,
): Promise<void> {
  const { ledger, slots, recording, log } = options;
  const record = ledger.get(id);
  const slot = record?.sandboxId === undefined ? undefined : slots.get(record.sandboxId);
  const decision = verdict(record, found?.alive ?? false, slot);
  try {
    if (decision === 'take-up' && (await takeUp(found!, record!, slot!, options))) result.running += 1;
    else if (decision === 'keep-idle' && (await keepIdle(found!, record!, options))) result.idle += 1;
    else {
      await recording.driver.destroy(id);
      result.destroyed += 1;
    }
  } catch (error) {
    log.error({ err: error, instance: id }, 'cannot recover an instance');
    // Nobody holds it now, and its sandbox will be called lost: left alive, it would outlive its own deletion. One that
    // cannot be destroyed keeps its record, so the next start tries again.
    await recording.driver
      .destroy(id)
      .catch((err) => log.error({ err, instance: id }, 'cannot destroy an instance'));
  }
}

/** False when the guest knows nothing of the sandbox: the core was killed before the command was started. */
async function takeUp(
  found: RuntimeInstance,
  record: InstanceRecord,
  slot: SlotRecord,
  { agent, recording, adopt, logs, pool }: RecoveryOptions,
): Promise<boolean> {
  const sandboxId = record.sandboxId!;
  recording.holdImage(found.id, record.shape.image);
  const instance = await patiently(() => adopt(found, record, 'claimed'));
  const main = instance.channel.known.find((known) => known.id === MAIN_PROCESS);
  if (!main) {
    await instance.destroy('its command was never started');
    return false;
  }
  const log = await logs.writer(sandboxId);
  const resumed = instance.channel.resume(MAIN_PROCESS, log.offsets);
  pool.adopt(instance);
  agent.takeUp({ sandboxId, slot, instance, main: resumed, log });
  letExecsRun(instance.channel);
  return true;
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

/** Nobody waits for the output of an exec of an earlier core; the process must not be held back by it. */
function letExecsRun(channel: GuestChannel): void {
  for (const known of channel.known) {
    if (known.id === MAIN_PROCESS) continue;
    void execSession(channel.resume(known.id, known.retained)).close();
  }
}

async function keepIdle(
  found: RuntimeInstance,
  record: InstanceRecord,
  { recording, adopt, pool, images }: RecoveryOptions,
): Promise<boolean> {
  // The image may be gone meanwhile (the host image follows the machine): such an instance is stale.
  const image = await images.resolve(record.shape.image).catch(() => undefined);
  if (image === undefined) return false;
  recording.holdImage(found.id, record.shape.image);
  const instance = await adopt(found, record, 'idle');
  if (instance.channel.known.length > 0) {
    await instance.destroy('a command was started in it and never recorded');
    return false;
  }
  pool.adopt(instance);
  return true;
}
