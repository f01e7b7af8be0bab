import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertEnoughDescriptors } from '../../../core/model/failure/descriptors.ts';
import { codeOfExit, FsbError } from '../../../core/model/failure/errors.ts';
import type { CorePaths } from '../../../core/model/paths.ts';
import { acquireLock, type CoreLock } from '../../../core/root/lock.ts';
import { makePrivateDirectory } from '../../../core/root/private-directory.ts';
import type { CoreStatus } from '../../../core/root/status-file.ts';
import { childEnvironment } from '../../terminal/child-environment.ts';
import { firstWord, type StartReport } from './first-word.ts';
import { type LocalCore, launchBinary } from './local-core.ts';
import { answeringCore } from './running-core.ts';

/** A cold start on a busy machine takes a second or two; beyond this it hangs. */
const START_DEADLINE = 30_000;

/**
 * Starts the core unless it runs. Twenty first commands at once start one: they queue at a lock, and whoever comes
 * later finds it running.
 * @param serveFlags asked for, where they are not said, once it is known that none runs
 * @param deadline milliseconds that it has until it is ready, and that another command may take to start it
 * @throws unavailable with what the core said when it cannot start; no_capacity
 */
export async function ensureCore(
  local: LocalCore,
  serveFlags: string[] | (() => Promise<string[]>) = [],
  deadline = START_DEADLINE,
): Promise<{ status: CoreStatus; started: boolean }> {
  const { paths } = local;
  // It will have no more than this process may have.
  assertEnoughDescriptors();
  makePrivateDirectory(paths.run);
  const turn = await turnToStart(local, deadline);
  try {
    const running = await answeringCore(local);
    if (running) return { status: running, started: false };
    const flags = typeof serveFlags === 'function' ? await serveFlags() : serveFlags;
    return { status: await spawnCore(local, flags, deadline), started: true };
  } finally {
    await turn.release();
  }
}

/** @throws unavailable: whatever keeps it from the lock, no core can start */
async function turnToStart({ paths, packageRoot }: LocalCore, patience: number): Promise<CoreLock> {
  try {
    return await acquireLock(launchBinary(packageRoot), `${paths.lock}.start`, patience);
  } catch (error) {
    const { code, message, hint } = FsbError.from(error);
    throw code === 'conflict'
      ? cannotStart(`another command has tried for ${patience / 1000} s`, { exitCode: null, paths })
      : cannotStart(message, { exitCode: null, hint, paths });
  }
}

async function spawnCore(
  { paths, packageRoot, env }: LocalCore,
  serveFlags: string[],
  deadline: number,
): Promise<CoreStatus> {
  makePrivateDirectory(paths.state);
  const output = openSync(`${paths.log}.out`, 'w', 0o600);
  // Of node itself a core would get all descriptors above a gap that we were started with: `flock 200` would hold for good.
  const child = spawn(
    launchBinary(packageRoot),
    ['run', process.execPath, join(packageRoot, 'bin/run.js'), 'serve', '--ready-fd', '3', ...serveFlags],
    {
      detached: true,
      cwd: '/',
      stdio: ['ignore', output, output, 'pipe'],
      env: coreEnvironment(env),
    },
  );
  closeSync(output);
  const { said, failure } = await firstWord(child, deadline);
  child.unref();
  if (said !== undefined) {
    const report = JSON.parse(said) as StartReport;
    if (!('error' in report)) return report;
    const { exitCode, message, hint } = FsbError.fromBody(report.error);
    throw cannotStart(message, { exitCode, hint, paths });
  }
  child.kill('SIGTERM');
  throw startFailure(failure, child.exitCode, paths);
}

const FOREGROUND = 'To see it start in the foreground: fsb-ctl serve';

/** A core that could not tell it has printed it, perhaps, and its exit code tells what kind of failure it was. */
function startFailure(why: string, exitCode: number | null, paths: CorePaths): FsbError {
  const lines = lastLines(`${paths.log}.out`);
  const error = /^Error: (.*)$/m.exec(lines)?.[1];
  const hint = /^Hint: (.*)$/m.exec(lines)?.[1];
  return cannotStart(error ?? (lines === '' ? why : `${why}: ${lines}`), { exitCode, hint, paths });
}

interface StartFailure {
  /** Its own: a missing image is a start that failed, too. */
  exitCode: number | null;
  hint?: string | undefined;
  paths: CorePaths;
}

function cannotStart(why: string, { exitCode, hint = FOREGROUND, paths }: StartFailure): FsbError {
  const kind = (exitCode !== null && exitCode !== 1 && codeOfExit(exitCode)) || 'run_failed';
  // No command has failed to run: there is no core to ask, whatever the command wanted of it.
  return new FsbError(kind === 'run_failed' ? 'unavailable' : kind, `cannot start the core: ${why}`, {
    // A slip of the user is told in full; whoever looks for the cause of a failure needs the log, too.
    hint: kind === 'run_failed' ? `${hint} (its log: ${paths.log})` : hint,
  });
}

/** Every node process pays 60 ms for a further CA file, and the core talks to nobody outside. */
function coreEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = childEnvironment(env);
  return rest;
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-5).join('\n');
  } catch {
    return '';
  }
}
