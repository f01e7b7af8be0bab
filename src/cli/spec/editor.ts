import { spawn } from 'node:child_process';
import { constants as access, accessSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { signalName } from '../../core/model/process.ts';
import { childEnvironment } from '../terminal/child-environment.ts';
import type { World } from '../terminal/world.ts';

const FALLBACKS = ['nano', 'vim', 'vi'];

/**
 * $VISUAL, $EDITOR, the configured one, else the first of nano, vim, vi on the PATH. May have arguments: `code --wait`.
 * @throws invalid_argument when there is none
 */
export function chooseEditor(
  env: Record<string, string | undefined>,
  configured: string | undefined,
  exists = isExecutable,
): string {
  const named = env.VISUAL || env.EDITOR || configured;
  const [found] = named ? [named] : editorsThere(env, exists);
  if (found !== undefined) return found;
  throw new FsbError(
    'invalid_argument',
    'no editor found: neither VISUAL nor EDITOR is set, none is configured, and there is no nano, vim or vi',
    {
      hint: 'Set EDITOR, or give --image or --file instead.',
    },
  );
}

/** Of those that most know, the ones on the PATH. */
function editorsThere(env: Record<string, string | undefined>, exists = isExecutable): string[] {
  const directories = (env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return FALLBACKS.filter((editor) => directories.some((directory) => exists(join(directory, editor))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, access.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Resolves when the user has left the editor.
 * @throws invalid_argument when there is none of that name, or it cannot be executed; internal when it reports a failure
 */
export async function openEditor(
  editor: string,
  file: string,
  world: Pick<World, 'env' | 'terminal' | 'cwd'>,
): Promise<void> {
  // Through the shell, as git does it, because an editor setting may have arguments, quotes and variables before it.
  // ctrl-C reaches the shell too: it must outlive it, or we would report on the shell and not on the editor. A trap
  // that does nothing is not inherited, so the editor still gets its signals; `exec` would refuse `VAR=x editor`.
  const child = spawn(
    '/bin/sh',
    ['-c', `trap : INT QUIT; ${mustExist(editor)}${editor} "$@"`, editor, file],
    {
      cwd: world.cwd,
      env: childEnvironment(world.env),
      // Our stdout may be a pipe that wants the result only; an editor needs a terminal.
      stdio: ['inherit', world.terminal.stdout.isTTY ? 'inherit' : 2, 'inherit'],
    },
  );
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (code === 0) return;
  throw editorError(JSON.stringify(editor), code ?? 128 + constants.signals[signal!], world.env);
}

/** @param code of a shell. Most that fail were told to: `:cq` of vi is how people take back what they were about to do. */
function editorError(editor: string, code: number, env: World['env']): FsbError {
  const instead = 'or give --image or --file instead.';
  if (code === NOT_FOUND || code === NOT_EXECUTABLE) {
    const reason = code === NOT_FOUND ? 'was not found' : 'cannot be executed';
    return new FsbError('invalid_argument', `the editor ${editor} ${reason}`, {
      hint: `Set EDITOR to an editor that works${thoseThere(env)}, ${instead}`,
    });
  }
  const end = code > 128 ? `was ended by ${signalName(code - 128)}` : `ended with code ${code}`;
  return new FsbError('internal', `the editor ${editor} ${end}, nothing was created`, {
    hint: `Run the command again to go on, ${instead}`,
  });
}

function thoseThere(env: World['env']): string {
  const there = editorsThere(env);
  return there.length === 0 ? '' : ` (there is ${there.join(', ')})`;
}

/** What a shell exits with when there is no such program, or it is none. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** The shell would complain in its own words first. Of what begins with more than a plain word only it knows the program. */
function mustExist(editor: string): string {
  const program = /^[\w./+-]+(?=\s|$)/.exec(editor)?.[0];
  return program === undefined ? '' : `command -v ${program} >/dev/null 2>&1 || exit ${NOT_FOUND}; `;
}
