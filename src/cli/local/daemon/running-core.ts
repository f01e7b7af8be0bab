import { FsbError } from '../../../core/model/failure/errors.ts';
import type { CorePaths } from '../../../core/model/paths.ts';
import { isGone } from '../../../core/model/process-identity.ts';
import { acquireLock } from '../../../core/root/lock.ts';
import { assertOwnDirectory } from '../../../core/root/private-directory.ts';
import { type CoreStatus, readStatus } from '../../../core/root/status-file.ts';
import { answers } from './answers.ts';
import { type LocalCore, launchBinary } from './local-core.ts';

/** Milliseconds. */
const ANSWER_DEADLINE = 5_000;

export interface RunningCore extends CoreStatus {
  /** It lives, and nobody listens at its socket: that was removed, or it is on its way up or out. */
  unreachable?: true;
}

/**
 * What the running core says about itself; undefined when none runs.
 * @throws denied: its directory is somebody else's, or closed to us; what asking it throws, where there was no room for its status file
 */
export const runningCore = async (local: LocalCore): Promise<RunningCore | undefined> =>
  (await answeringCore(local)) ?? (await unreachableCore(local));

/** As runningCore, of one that can be talked to. */
export async function answeringCore({ paths }: LocalCore): Promise<CoreStatus | undefined> {
  assertOwnDirectory(paths.run);
  if (!(await answers(paths.grpcSocket))) return undefined;
  return (await readStatus(paths.status)) ?? askStatus(paths);
}

/** Whether it serves gRPC over TCP, too, only the file says. */
async function askStatus({ grpcSocket, httpSocket }: CorePaths): Promise<CoreStatus> {
  const { connectCore } = await import('../../../core/client/connect-core.ts');
  const endpoint = `unix://${grpcSocket}`;
  await using core = connectCore({ grpc: endpoint, http: `unix://${httpSocket}` });
  const { logBytes: _, ...facts } = await core.system.info({ signal: AbortSignal.timeout(ANSWER_DEADLINE) });
  return { ...facts, endpoint, grpc: '' };
}

/** One that was killed has left its file, too, but not its lock. */
async function unreachableCore({ paths, packageRoot }: LocalCore): Promise<RunningCore | undefined> {
  const status = await readStatus(paths.status);
  if (status === undefined || isGone(status.pid)) return undefined;
  try {
    await (await acquireLock(launchBinary(packageRoot), paths.lock, 0)).release();
    return undefined;
  } catch (error) {
    if (FsbError.from(error).code !== 'conflict') throw error;
    return { ...status, unreachable: true };
  }
}

/** What to say of one that is unreachable. */
export const unreachableText = ({ pid, endpoint }: CoreStatus): string =>
  `The core (pid ${pid}) lives, but nobody listens at ${endpoint}. ${UNREACHABLE_HINT}`;

export const UNREACHABLE_HINT = 'Sandboxes outlive a restart of it: fsb-ctl daemon restart';
