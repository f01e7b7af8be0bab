import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { type ExitStatus, exitCodeOf, type TerminalSize } from '../../core/model/process.ts';
import type { Sandbox, SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { Interruption } from '../command/interruption.ts';
import { assertReadable } from '../terminal/readable-input.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { driveSession, OUT_OF_MEMORY, type SessionEnd, terminalSize } from './session.ts';

/** The main process of a sandbox, and our terminal. */
export interface MainSession {
  core: CoreApi;
  ref: SandboxRef;
  stdin: boolean;
  /** As of an AttachRequest. */
  stdinOnce?: boolean;
  tty: boolean;
  /** Its output from the beginning. */
  replay: boolean;
  signalProxy: boolean;
  detachKeys: Buffer;
  /** As of a SessionOptions. */
  afterwards?: string | undefined;
  world: World;
  interruption: Interruption;
}

export interface MainSessionFlags {
  'no-sig-proxy'?: boolean;
  'detach-keys': string;
}

/** As driveSession. */
export async function joinMain(main: MainSession): Promise<SessionEnd> {
  const { core, ref, stdin, stdinOnce, tty, replay, world, interruption } = main;
  const size = tty ? terminalSize(world.terminal) : undefined;
  const request = { stdin, stdinOnce, replay, size: replay ? size : anotherSize(size) };
  const session = await core.sandboxes.attach(ref, request, { signal: interruption.signal });
  if (size !== undefined && !replay) session.resize(size);
  const { signalProxy, detachKeys, afterwards } = main;
  return driveSession(session, { stdin, tty, signalProxy, detachKeys, afterwards }, world, interruption);
}

/**
 * What a program has drawn before is not seen by whoever joins it later, and only a change of its window makes it draw
 * that again: so it is told of one, as docker does. A line less, since what is drawn on a line more scrolls.
 */
const anotherSize = (size: TerminalSize | undefined): TerminalSize | undefined =>
  size && { ...size, rows: size.rows > 1 ? size.rows - 1 : 2 };

/**
 * @param instead what to do without a terminal
 * @throws invalid_argument: the sandbox has one, or takes input, and we have none to pass on
 */
export function assertCanJoin(
  { name, spec }: Sandbox,
  { terminal }: Pick<World, 'terminal'>,
  instead: string,
): void {
  if (!spec.stdin) return;
  assertReadable(terminal.stdin);
  if (!spec.tty || terminal.stdin.isTTY) return;
  const message = `${name} was created with -t, and standard input is no terminal`;
  throw new FsbError('invalid_argument', message, { hint: instead });
}

/**
 * Joins a sandbox that is there, with what it was created with: a terminal, and our input if it takes any.
 * @returns its exit code; 0 when the user detached
 * @throws as joinMain; run_failed when a part of its output is missing
 */
export async function joinSandbox(
  { spec }: Sandbox,
  flags: MainSessionFlags,
  main: Omit<MainSession, 'tty' | 'signalProxy' | 'detachKeys'>,
): Promise<number> {
  const { world, ref } = main;
  const stdin = main.stdin && spec.stdin;
  const detachKeys = parseDetachKeys(flags['detach-keys']);
  const end = await joinMain({
    ...main,
    ...{ stdin, tty: spec.tty, signalProxy: !flags['no-sig-proxy'], detachKeys },
  });
  if (end.kind === 'exited') {
    await tellQuietEnd(main, end.status);
    end.missing.assertNone(end.status);
    return exitCodeOf(end.status);
  }
  await tryWrite(world.terminal.stderr, `\r\nDetached from ${ref.name}.\n`);
  return 0;
}

/** A bare 137 or 143 does not tell a limit from a signal of somebody's. */
export async function tellQuietEnd(
  { core, ref, world }: Pick<MainSession, 'core' | 'ref' | 'world'>,
  status: ExitStatus,
): Promise<void> {
  if (status.signal === null) return;
  const sandbox = await core.sandboxes.get(ref).catch(() => undefined);
  const why = status.oomKilled
    ? OUT_OF_MEMORY
    : sandbox?.state.phase === 'Expired'
      ? 'was ended: its time was up (--ttl)'
      : undefined;
  if (why) await tryWrite(world.terminal.stderr, `${ref.name} ${why}.\n`);
}
