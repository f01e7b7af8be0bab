import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError, failedStartCodes } from '../../core/model/errors.ts';
import { exitCodeOf } from '../../core/model/process.ts';
import type { SandboxRef } from '../../core/model/sandbox.ts';
import type { Interruption } from '../interruption.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { joinMain, tellQuietEnd } from '../session/main-session.ts';
import type { SessionEnd } from '../session/session.ts';
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
    if (flags.rm) await removeAfterRun(core, ref).catch(() => sayLeft(run));
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

function streamMain({ core, ref, flags, world, interruption }: AttachedRun): Promise<SessionEnd> {
  return joinMain({
    ...{ core, ref, world, interruption, replay: true },
    stdin: flags.interactive,
    tty: flags.tty,
    signalProxy: !flags['no-sig-proxy'],
    detachKeys: parseDetachKeys(flags['detach-keys']),
  });
}

/** The core is gone, most likely. */
const sayLeft = ({ ref, world }: AttachedRun): Promise<void> =>
  tryWrite(
    world.terminal.stderr,
    `${ref.name} could not be deleted: the next core does, once it has ended.\n`,
  );

async function removeAfterRun(core: CoreApi, ref: SandboxRef): Promise<void> {
  try {
    await core.sandboxes.delete(ref, { grace: 0 });
  } catch (error) {
    if (FsbError.from(error).code !== 'not_found') throw error;
  }
}

/**
 * A sandbox whose command could not be started leaves a Failed record, which --rm removes: never one of somebody else.
 * @returns the failure, which says what stays
 */
export async function settleFailedStart(
  { core, ref }: Pick<AttachedRun, 'core' | 'ref'>,
  failure: unknown,
  { rm }: Pick<RunFlags, 'rm'>,
): Promise<unknown> {
  const error = FsbError.from(failure);
  if (!failedStartCodes.has(error.code)) return failure;
  const sandbox = await core.sandboxes.get(ref).catch(() => undefined);
  if (sandbox?.state.phase !== 'Failed') return failure;
  if (rm) {
    await removeAfterRun(core, ref).catch(() => undefined);
    return failure;
  }
  const { code, message, hint } = error;
  const kept = `The sandbox stays, for a look; it goes with: fsb-ctl delete ${ref.name}`;
  return new FsbError(code, message, { hint: hint ? `${hint} ${kept}` : kept, cause: error });
}
