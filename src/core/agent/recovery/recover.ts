import type { Logger } from 'pino';
import { ProtocolError } from '../../guest/protocol/protocol-error.ts';
import type { LogStore } from '../../logs/log-store.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { RecoveryResult } from '../../model/system.ts';
import type { RuntimeInstance } from '../../runtime/driver.ts';
import type { Agent } from '../agent.ts';
import { keepsFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { InstanceRecord } from '../ledger/records.ts';
import type { RetainedLogs } from '../logs/retained-logs.ts';
import { takeLogOver } from '../logs/take-log-over.ts';
import type { Pools } from '../pools/pools.ts';
import type { Doubt } from './doubt.ts';
import { keepIdle, type TakeUpGround, takeUp, takeUpLease } from './take-up.ts';
import type { Unsettled } from './unsettled.ts';
import { type Verdict, verdict } from './verdict.ts';

const NOTHING = { running: 0, leases: 0, idle: 0, files: 0, destroyed: 0, lost: 0, failed: 0 };

export interface RecoveryOptions extends TakeUpGround {
  agent: Agent;
  pools: Pools;
  logs: LogStore;
  retained: Pick<RetainedLogs, 'get'>;
  ledger: Ledger;
  doubt: Doubt;
  /** Has, in the end, what could neither be taken up nor be told to be unwanted. */
  unsettled: Unsettled;
  clock: Clock;
  log: Logger;
}

/**
 * Compares ledger and runtime after a start: adopts what lives and is wanted, destroys what nobody wants, and writes down
 * as lost what was wanted and is gone. Only a definite verdict destroys.
 */
export async function recover(options: RecoveryOptions): Promise<RecoveryResult> {
  const { ledger, slots, logs, retained, recording, doubt, unsettled, log } = options;
  const result: RecoveryResult = { ...NOTHING };
  const found = new Map((await recording.list()).map((instance) => [instance.id, instance]));
  failpoint('recover.listed');
  for (const { id, alive } of found.values())
    if (alive) recording.nodeNetwork.joined(id, ledger.get(id)?.shape);
  const ids = new Set([...found.keys(), ...ledger.ids()]);
  await Promise.all([...ids].map((id) => recoverInstance(id, found.get(id), options, result)));

  for (const [sandboxId, { instance }] of slots.entries())
    if (!unsettled.has(instance) && (await noteLoss(sandboxId, options))) result.lost += 1;
  await takeLogsOver(options);
  for (const sandboxId of await logs.list())
    if (
      slots.get(sandboxId) === undefined &&
      recording.files.of(sandboxId) === undefined &&
      !recording.files.hasLog(sandboxId) &&
      retained.get(sandboxId) === undefined &&
      !doubt.sandbox(sandboxId)
    )
      await logs.remove(sandboxId).catch((err) => log.error({ err, sandbox: sandboxId }, UNWANTED_LOG));
  failpoint('recover.done');
  return result;
}

/** A log goes with the files: the core may have been killed between the two. */
async function takeLogsOver({ recording: { files }, logs, log }: RecoveryOptions): Promise<void> {
  for (const [, sandboxId] of files.entries()) {
    if (files.logOf(sandboxId) === sandboxId) continue;
    await takeLogOver(sandboxId, files, logs).catch((err) =>
      log.error({ err, sandbox: sandboxId }, 'cannot take over the log of the generation before'),
    );
  }
}

/** What the records say of an instance. */
interface Plan {
  record: InstanceRecord | undefined;
  verdict: Verdict;
  /** Whose it is, as long as that one has not ended. */
  sandboxId: string | undefined;
}

function planFor(id: string, found: RuntimeInstance | undefined, options: RecoveryOptions): Plan {
  const { ledger, slots, pools, doubt } = options;
  const record = ledger.get(id);
  if (record === undefined) {
    const [owner] = [...slots.entries()].find(([, slot]) => slot.instance === id && !slot.end) ?? [];
    return { record, verdict: doubt.instance(id) ? 'unknown' : 'destroy', sandboxId: owner };
  }
  const { use } = record;
  const slot = use?.by === 'sandbox' ? slots.get(use.sandboxId) : undefined;
  const alive = found?.alive === true;
  const owner = use?.by === 'sandbox' && !slot?.end ? use.sandboxId : undefined;
  // Its pool, or its slot, may be what cannot be read.
  const isPoolUnknown = pools.find(record.pool) === undefined && doubt.pool(record.pool);
  const isOwnerUnknown = owner !== undefined && slot === undefined && doubt.sandbox(owner);
  if (alive && (isPoolUnknown || isOwnerUnknown)) return { record, verdict: 'unknown', sandboxId: owner };
  const pool = pools.find(record.pool);
  // Without its pool nobody can take it up, but files need none.
  const decision = verdict(alive && pool !== undefined, record, slot, pool?.pool.policy);
  const mayHaveFiles = isOwnerUnknown && keepsFiles(record.shape, pool?.pool.policy);
  return {
    record,
    verdict: decision === 'destroy' && mayHaveFiles ? 'keep-files' : decision,
    sandboxId: owner,
  };
}

async function recoverInstance(
  id: string,
  found: RuntimeInstance | undefined,
  options: RecoveryOptions,
  result: RecoveryResult,
): Promise<void> {
  const { recording, unsettled, log } = options;
  const plan = planFor(id, found, options);
  const { sandboxId } = plan;
  if (plan.verdict === 'unknown') {
    if (plan.record !== undefined) recording.holdImage(id, plan.record.shape.image);
    log.error({ instance: id, sandbox: sandboxId }, SET_ASIDE);
    unsettled.add({ instance: id, ...(sandboxId !== undefined && { sandboxId }), reason: SET_ASIDE });
    return;
  }
  let outcome: Outcome = 'destroyed';
  try {
    outcome = await settle(id, found, plan, options);
    failpoint('recover.settled');
  } catch (error) {
    log.error({ err: error, instance: id }, 'cannot recover an instance');
    if (plan.verdict === 'take-up' && !isDefinite(error)) {
      const reason = FsbError.from(error).message;
      const owner = sandboxId !== undefined && { sandboxId };
      unsettled.add({ instance: id, ...owner, reason }, () => tryAgain(id, options));
      failpoint('recover.unsettled');
      return;
    }
  }
  try {
    if (outcome === 'destroyed') await recording.destroy(id);
    result[outcome] += 1;
  } catch (err) {
    // It keeps its record, so the next start tries again.
    result.failed += 1;
    log.error({ err, instance: id }, 'cannot destroy an instance');
  }
}

const UNWANTED_LOG = 'cannot remove a log that nobody wants; the next core tries again';
const GONE = 'its instance was gone when the core came back';
const UNBEGUN = 'its command was never started';
const SET_ASIDE = 'a record that it may belong to cannot be read and is set aside; it is kept';

/** The guest itself refuses to go on; anything else may be over at the next attempt. */
function isDefinite(error: unknown): boolean {
  return error instanceof ProtocolError || (error instanceof Error && isDefinite(error.cause));
}

/** @throws why it cannot be settled yet */
async function tryAgain(id: string, options: RecoveryOptions): Promise<void> {
  const { recording } = options;
  const found = (await recording.list()).find((instance) => instance.id === id);
  failpoint('settle.found');
  const plan = planFor(id, found, options);
  const outcome = await settle(id, found, plan, options).catch((error) => {
    if (isDefinite(error)) return 'destroyed';
    throw error;
  });
  failpoint('settle.settled');
  if (outcome === 'destroyed') {
    await recording.destroy(id);
    failpoint('settle.destroyed');
  }
  if (plan.sandboxId !== undefined) await noteLoss(plan.sandboxId, options);
}

/** True when a sandbox that runs, by its record, has nothing to run in. Who was told that it runs hears of it, too, when it never began. */
async function noteLoss(sandboxId: string, { slots, agent }: RecoveryOptions): Promise<boolean> {
  // Looked up anew: one that was taken up may have ended, and have been recorded, while another was written.
  const slot = slots.get(sandboxId);
  if (slot?.end !== undefined || agent.holds(sandboxId)) return false;
  await agent.lose(sandboxId, slot === undefined ? UNBEGUN : GONE);
  return true;
}

type Outcome = 'running' | 'leases' | 'idle' | 'files' | 'destroyed';

/** `destroyed`: it is to be. @throws what went wrong; it is as it was */
async function settle(
  id: string,
  found: RuntimeInstance | undefined,
  { record, verdict: decision }: Plan,
  options: RecoveryOptions,
): Promise<Outcome> {
  const { slots, pools, recording } = options;
  if (!record) return 'destroyed';
  const { use } = record;
  const pool = pools.find(record.pool);
  if (use !== undefined && 'sandboxId' in use && decision !== 'destroy') {
    recording.holdImage(id, record.shape.image);
    // Also of one that cannot be taken up.
    if (use.by === 'files' || keepsFiles(record.shape, pool?.pool.policy))
      recording.files.keep(id, use.sandboxId, use.by === 'files' ? use.logOf : undefined);
  }
  if (decision === 'keep-files') {
    // There may be thousands of those.
    if (!found?.onlyFiles) await recording.destroy(id);
    else if (use?.by !== 'files') await recording.files.settle(id);
    return 'files';
  }
  if (!found?.alive || !pool) return 'destroyed';
  if (decision === 'keep-idle') return (await keepIdle(found, record, pool, options)) ? 'idle' : 'destroyed';
  if (decision !== 'take-up') return 'destroyed';
  if (use?.by === 'sandbox') {
    const slot = slots.get(use.sandboxId)!;
    return (await takeUp(found, record, use.sandboxId, slot, pool, options)) ? 'running' : 'destroyed';
  }
  if (use?.by !== 'lease') return 'destroyed';
  await takeUpLease(found, record, use.lease, pool, options);
  return 'leases';
}
