import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError, failedStartCodes, isLost } from '../../core/model/failure/errors.ts';
import { exitCodeOf } from '../../core/model/process.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { Interruption } from '../command/interruption.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { joinMain, tellQuietEnd } from '../session/main-session.ts';
import type { SessionEnd } from '../session/session.ts';
import type { RunFlags } from '../spec/run-flags.ts';
import { OutputClosed, tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';

export interface AttachedRun {
  core: CoreApi;
  ref: SandboxRef;
  /** Of the sandbox: somebody may give its name to another one meanwhile. */
  id: string;
  flags: RunFlags;
  world: World;
  interruption: Interruption;
}

/** What was created here, and nothing else. */
const itself = ({ ref, id }: Pick<AttachedRun, 'ref' | 'id'>): SandboxRef => ({ ...ref, name: id });

const GOES = 'It is deleted when its command ends.';

/**
 * Streams the main process of a new sandbox to its end; with --rm nothing of the sandbox stays after that, but what runs
 * on when the stream broke. @returns the command's exit code; 0 when the user detached
 */
export async function attachToRun(run: AttachedRun): Promise<number> {
  const { ref, flags, world } = run;
  const end = await streamMain(run).catch(async (error: unknown) => {
    const left = await leftRunning(run, error);
    if (left !== undefined) throw withNote(error, left);
    if (!flags.rm) throw await withWhatRunsOn(run, error);
    await removeAfterRun(run);
    throw error;
  });
  if (end.kind === 'detached') {
    if (flags.rm) await tellLeft(run);
    const then = flags.rm ? ` ${GOES}` : '';
    await tryWrite(world.terminal.stderr, `\r\nDetached from ${ref.name}.${then}\n`);
    return 0;
  }
  await tellQuietEnd(run, end.status);
  if (flags.rm) await removeAfterRun(run);
  end.missing.assertNone(end.status);
  return exitCodeOf(end.status);
}

/** @throws as joinMain; a core that has gone since it created the sandbox is no core that was never reached */
async function streamMain({ core, ref, flags, world, interruption }: AttachedRun): Promise<SessionEnd> {
  try {
    return await joinMain({
      ...{ core, ref, world, interruption, replay: true },
      stdin: flags.interactive,
      stdinOnce: flags.interactive,
      tty: flags.tty,
      signalProxy: !flags['no-sig-proxy'],
      detachKeys: parseDetachKeys(flags['detach-keys']),
      afterwards: flags.rm ? GOES : undefined,
    });
  } catch (thrown) {
    const error = FsbError.from(thrown);
    if (error.code !== 'unavailable') throw thrown;
    const message = `${ref.name} was created, but its output is lost: ${error.message}`;
    throw new FsbError('run_failed', message, { cause: error });
  }
}

/** Then nobody is waited for when its command has ended; a core that does not hear it waits a while, and deletes it all the same. */
async function tellLeft(run: AttachedRun): Promise<void> {
  const { core, interruption } = run;
  const { signal } = interruption;
  await core.sandboxes.update(itself(run), { detached: true }, { signal }).catch(() => undefined);
}

/** A timeout is of the call, not of the sandbox. */
async function withWhatRunsOn(run: AttachedRun, error: unknown): Promise<unknown> {
  if (!(error instanceof FsbError) || error.code !== 'timeout') return error;
  const { core, ref } = run;
  const sandbox = await core.sandboxes.get(itself(run)).catch(() => undefined);
  if (sandbox?.state.phase !== 'Running') return error;
  const { name } = ref;
  const hint = `${name} runs on: fsb-ctl logs -f ${name} follows it, fsb-ctl delete ${name} ends it. ${error.hint ?? ''}`;
  return new FsbError('timeout', error.message, { hint: hint.trim(), cause: error });
}

/** What a client can only suppose of it is known here. */
function withNote(thrown: unknown, note: string): FsbError {
  const { code, message, hint = '' } = FsbError.from(thrown);
  const rest = hint.replace(/It may still be running: look with `[^`]*`\./, '').trim();
  return new FsbError(code, message, { hint: `${note} ${rest}`.trim(), cause: thrown });
}

/**
 * What becomes of it where it is left to its command: a stream that broke says nothing of that. Undefined where somebody has
 * ended it here, or the reader of its output is gone.
 */
async function leftRunning(run: AttachedRun, error: unknown): Promise<string | undefined> {
  const { core, ref, flags, interruption } = run;
  if (interruption.signal.aborted || error instanceof OutputClosed) return undefined;
  const state = await core.sandboxes.get(itself(run)).then(
    (sandbox) => sandbox.state.phase,
    (failure) => (FsbError.from(failure).code === 'unavailable' ? 'unknown' : 'gone'),
  );
  if (state !== 'Running' && state !== 'unknown') return undefined;
  const runsOn = state === 'Running' ? 'runs on' : 'may run on';
  const way =
    flags.interactive || flags.tty
      ? `Join it again with \`fsb-ctl attach ${ref.name}\`.`
      : `Follow it with \`fsb-ctl logs -f ${ref.name}\`.`;
  return `${ref.name} ${runsOn}. ${flags.rm ? `${GOES} ` : ''}${way}`;
}

/** How the command ended is what there is to report, whatever comes of this: the core sees to it as well. */
const removeAfterRun = (run: AttachedRun): Promise<void> =>
  remove(run.core, itself(run)).catch((error) =>
    tryWrite(
      run.world.terminal.stderr,
      `${run.ref.name} is not deleted yet (${FsbError.from(error).message}): the core does that once its command has ended, and fsb-ctl delete ${run.ref.name} at once.\n`,
    ),
  );

async function remove(core: CoreApi, ref: SandboxRef): Promise<void> {
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
  // After a lost answer nobody can tell whether what has the name is what was to be created.
  if (!failedStartCodes.has(error.code) || isLost(error)) return failure;
  const sandbox = await core.sandboxes.get(ref).catch(() => undefined);
  if (sandbox?.state.phase !== 'Failed') return failure;
  if (rm) {
    await remove(core, ref).catch(() => undefined);
    return failure;
  }
  const { code, message, hint } = error;
  const kept = `The sandbox stays, for a look; it goes with: fsb-ctl delete ${ref.name}`;
  return new FsbError(code, message, {
    hint: hint ? `${hint.replace(/[^.]$/, '$&.')} ${kept}` : kept,
    cause: error,
  });
}
