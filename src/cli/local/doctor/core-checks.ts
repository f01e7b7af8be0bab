import { join } from 'node:path';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import type { SetAside, SystemHealth } from '../../../core/model/system.ts';
import { filesSetAside, recordsDamage } from '../../../core/upkeep/set-aside.ts';
import { askHealth, recoveryText, unsettledText } from '../../output/listings/health-view.ts';
import type { LocalCore } from '../daemon/local-core.ts';
import { runningCore, UNREACHABLE_HINT } from '../daemon/running-core.ts';
import { type Check, checksOf } from './check.ts';

/** Milliseconds that a core has to say how it is. */
const PATIENCE = 10_000;

/** The core and its records: as it says itself, or, when it does not run, as they lie there. */
export async function coreChecks(local: LocalCore): Promise<Check[]> {
  const status = await runningCore(local);
  if (status === undefined) {
    const found = 'not running; the first command that needs it starts it';
    const resting = await checksOf(RECORDS, async () => [await restingRecords(local)]);
    return [...resting, { name: 'core', ok: true, found, hint: '' }];
  }
  const found = `running, pid ${status.pid}, ${status.endpoint}`;
  if (status.unreachable)
    return [{ name: 'core', ok: false, found: `${found}, where nobody listens`, hint: UNREACHABLE_HINT }];
  try {
    const health = await healthOf(local);
    const old = health === undefined ? 'It is too old to say how it is: fsb-ctl daemon restart' : '';
    const running = { name: 'core', ok: true, found, hint: old };
    return health === undefined ? [running] : [...healthChecks(health, local.paths.state), running];
  } catch (error) {
    const { message } = FsbError.from(error);
    const hint = 'See what it says with: fsb-ctl daemon logs';
    return [{ name: 'core', ok: false, found: `${found}, but: ${message}`, hint }];
  }
}

async function healthOf({ paths }: LocalCore): Promise<SystemHealth | undefined> {
  const { connectCore } = await import('../../../core/client/connect-core.ts');
  await using core = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
  return await askHealth(core, { signal: AbortSignal.timeout(PATIENCE) });
}

async function restingRecords({ paths: { state } }: LocalCore): Promise<Check> {
  const damage = damageOf(state);
  if (damage === undefined) return recordsCheck(state, await filesSetAside(state), 'can be read');
  return {
    ...{ name: RECORDS, ok: false, found: `${join(state, 'records')} cannot be read: ${damage}` },
    hint: 'The next core sets them aside, begins with none, and keeps what runs without knowing it. Check the disk before that.',
  };
}

function damageOf(state: string): string | undefined {
  try {
    return recordsDamage(state);
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a running core says of itself. */
export function healthChecks(
  { records, setAside, logs, damagedLogs, recovery, unsettled, stuck }: SystemHealth,
  state: string,
): Check[] {
  return [
    records.failure !== undefined && !records.failure.over
      ? {
          ...{ name: RECORDS, ok: false, found: records.failure.message },
          hint: 'Make room, or mend the disk: nothing that is done now outlives the core.',
        }
      : recordsCheck(state, setAside, `${records.count} records, ${formatSize(records.size)}`),
    logsCheck(state, setAside, damagedLogs, `${formatSize(logs)} in ${join(state, 'logs')}`),
    lastStart(recovery, unsettled.length),
    ...(unsettled.length === 0 ? [] : [unsettledCheck(unsettled)]),
    ...(stuck.length === 0 ? [] : [stuckCheck(stuck)]),
  ];
}

const RECORDS = 'records';

/** @param setAside the list of images, and files of logs, have rows of their own */
function recordsCheck(state: string, setAside: readonly SetAside[], found: string): Check {
  const own = setAside.filter(
    ({ path }) => !path.startsWith(join(state, 'images/')) && !isOfLog(path, state),
  );
  if (own.length === 0) return { name: RECORDS, ok: true, found, hint: '' };
  const paths = own.map(({ path }) => path).join(', ');
  return {
    ...{ name: RECORDS, ok: false, found: `${found}; some could not be read and are set aside: ${paths}` },
    hint: 'What they may belong to is kept. A core of the version that wrote them takes them back; or let it all go with: fsb-ctl system prune --set-aside',
  };
}

/** A file of a log; a whole log is what some record has named. */
const isOfLog = (path: string, state: string): boolean =>
  path.startsWith(join(state, 'logs/')) && path.endsWith('.aside');

/** @param damaged ids of sandboxes */
function logsCheck(
  state: string,
  setAside: readonly SetAside[],
  damaged: readonly string[],
  found: string,
): Check {
  const own = setAside.filter(({ path }) => isOfLog(path, state)).map(({ path }) => path);
  if (own.length + damaged.length === 0) return { name: 'logs', ok: true, found, hint: '' };
  const which = damaged.length === 1 ? 'the log of a sandbox' : `the logs of ${damaged.length} sandboxes`;
  const told = [
    ...(own.length > 0 ? [`some files cannot be read: ${own.join(', ')}`] : []),
    ...(damaged.length > 0 ? [`files of ${which} are gone or cannot be read: ${damaged.join(', ')}`] : []),
  ];
  const hints = [
    'Check the disk.',
    ...(own.length > 0 ? ['When you know why: fsb-ctl system prune --set-aside'] : []),
  ];
  return { name: 'logs', ok: false, found: [found, ...told].join('; '), hint: hints.join(' ') };
}

/** Not well, but nothing that could be put right. */
function lastStart(recovery: SystemHealth['recovery'], unsettled: number): Check {
  const { lost, failed } = recovery;
  const hints = [
    ...(lost > 0 ? ['See what was lost with: fsb-ctl list -A --phase lost.'] : []),
    ...(failed > 0 ? ['The core goes on trying to destroy what it could not recover.'] : []),
  ];
  return { name: 'last start', ok: true, found: recoveryText(recovery, unsettled), hint: hints.join(' ') };
}

const unsettledCheck = (unsettled: SystemHealth['unsettled']): Check => ({
  ...{ name: 'not reached yet', ok: false },
  found: unsettled.map((each) => unsettledText(each.sandboxId, each)).join('; '),
  hint: 'They live on, and the core tries again. What only a record that is set aside may want: fsb-ctl system prune --set-aside',
});

const stuckCheck = (ids: readonly string[]): Check => ({
  ...{ name: 'instances', ok: false, found: `cannot be destroyed: ${ids.join(', ')}` },
  hint: 'A process in them waits for the kernel, mostly for a disk, or files of them cannot be removed. It is tried again; see why not with: fsb-ctl daemon logs',
});
