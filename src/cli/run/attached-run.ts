import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError, failedStartCodes } from '../../core/model/errors.ts';
import { type ExitStatus, exitCodeOf } from '../../core/model/process.ts';
import type { SandboxRef } from '../../core/model/sandbox.ts';
import type { Interruption } from '../interruption.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { driveSession, type SessionEnd, terminalSize } from '../session/session.ts';
import { tryWrite } from '../streams.ts';
import type { World } from '../world.ts';
import type { RunFlags } from './run-plan.ts';

export interface AttachedRun {
  core: CoreApi;
  ref: SandboxRef;
  flags: RunFlags;
  world: World;
  interruption: Interruption;
}

/**
 * Streams the main process of a new sandbox to its end; with --rm nothing of the sandbox stays after that, however it
 * ended. @returns the command's exit code; 0 when the user detached
 */
export async function attachToRun(run: AttachedRun): Promise<number> {
  const { core, ref, flags, world } = run;
  const end = await streamMain(run).catch(async (error: unknown) => {
    // The first failure is the one to report.
    if (flags.rm) await removeAfterRun(core, ref).catch(() => undefined);
    throw error;
  });
  if (end.kind === 'detached') {
    const kept = flags.rm ? ' It was not deleted, because it still runs.' : '';
    await tryWrite(world.terminal.stderr, `\r\nDetached from ${ref.name}.${kept}\n`);
    return 0;
  }
  await tellQuietEnd(run, end.status);
  if (flags.rm) await removeAfterRun(core, ref);
  return exitCodeOf(end.status);
}

/** A bare 137 or 143 does not tell a limit from a signal of somebody's. */
async function tellQuietEnd({ core, ref, world }: AttachedRun, status: ExitStatus): Promise<void> {
  if (status.signal === null) return;
  const sandbox = await core.sandboxes.get(ref).catch(() => undefined);
  const why = status.oomKilled
    ? 'it needed more memory than its limit (--memory)'
    : sandbox?.state.phase === 'Expired'
      ? 'its time was up (--ttl)'
      : undefined;
  if (why) await tryWrite(world.terminal.stderr, `${ref.name} was ended: ${why}.\n`);
}

async function streamMain({ core, ref, flags, world, interruption }: AttachedRun): Promise<SessionEnd> {
  const size = flags.tty ? terminalSize(world.terminal) : undefined;
  const request = { stdin: flags.interactive, replay: true, size };
  const session = await core.sandboxes.attach(ref, request, { signal: interruption.signal });
  const options = {
    stdin: flags.interactive,
    tty: flags.tty,
    signalProxy: !flags['no-sig-proxy'],
    detachKeys: parseDetachKeys(flags['detach-keys']),
  };
  return driveSession(session, options, world, interruption);
}

async function removeAfterRun(core: CoreApi, ref: SandboxRef): Promise<void> {
  try {
    await core.sandboxes.delete(ref, { grace: 0 });
  } catch (error) {
    if (FsbError.from(error).code !== 'not_found') throw error;
  }
}

/** With --rm: a sandbox whose command could not be started leaves no Failed record. Never one of somebody else. */
export async function removeFailedStart(core: CoreApi, ref: SandboxRef, failure: unknown): Promise<void> {
  if (!failedStartCodes.has(FsbError.from(failure).code)) return;
  const sandbox = await core.sandboxes.get(ref).catch(() => undefined);
  if (sandbox?.state.phase === 'Failed') await removeAfterRun(core, ref).catch(() => undefined);
}
