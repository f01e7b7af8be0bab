import type { ExecRequest } from '../../core/api/sandbox-api.ts';
import { exitCodeOf, type ProcessSession } from '../../core/model/process.ts';
import type { Interruption } from '../command/interruption.ts';
import { readEnvFlags } from '../spec/env-flags.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { assertInput, driveSession, OUT_OF_MEMORY, type SessionOptions, terminalSize } from './session.ts';

/** The flags of a command line that starts a command in something that is there: exec, pool exec, pool run. */
export interface CommandFlags {
  env?: string[];
  'env-file'?: string[];
  workdir?: string;
  user?: string;
  interactive: boolean;
  tty: boolean;
  'no-sig-proxy'?: boolean;
  detach?: boolean;
  /** Left out: no keys leave it. */
  'detach-keys'?: string;
}

export interface CommandPlan {
  request: ExecRequest;
  options: SessionOptions;
}

/** All that can be wrong about the flags shows here, before a core is asked. @throws invalid_argument */
export async function planCommand(
  argv: string[],
  flags: CommandFlags,
  world: World,
  signal: AbortSignal,
): Promise<CommandPlan> {
  const { interactive, tty, detach = false } = flags;
  const detachKeys = parseDetachKeys(flags['detach-keys'] ?? '');
  assertInput(world.terminal, { tty, interactive, detach });
  return {
    request: {
      argv,
      env: await readEnvFlags(flags, world, signal),
      cwd: flags.workdir ?? '',
      user: flags.user ?? '',
      tty,
      stdin: interactive && !detach,
      detach,
      size: tty ? terminalSize(world.terminal) : undefined,
    },
    options: {
      stdin: interactive,
      tty,
      signalProxy: !flags['no-sig-proxy'],
      detachKeys,
      ours: true,
    },
  };
}

/**
 * Stays with a command that was started as planned, to its end.
 * @param place where it goes on when the user leaves it: `box`, `lease l0123`
 * @param shownBy the command line that shows whether it does
 * @returns its exit code; 0 when it was not waited for
 */
export async function followCommand(
  session: ProcessSession,
  { request, options }: CommandPlan,
  { place, shownBy }: { place: string; shownBy: string },
  world: World,
  interruption: Interruption,
): Promise<number> {
  if (request.detach) {
    await session.close();
    return 0;
  }
  const end = await driveSession(session, { ...options, shownBy }, world, interruption);
  if (end.kind === 'exited') {
    if (end.status.oomKilled)
      await tryWrite(world.terminal.stderr, `The command in ${place} ${OUT_OF_MEMORY}.\n`);
    return exitCodeOf(end.status);
  }
  await tryWrite(world.terminal.stderr, `\r\nDetached; the command goes on in ${place}.\n`);
  return 0;
}
