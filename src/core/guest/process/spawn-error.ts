import { constants } from 'node:os';
import { FsbError } from '../../model/failure/errors.ts';
import type { SpawnFailedFrame } from '../protocol/frames.ts';

const { ENOENT, ENOTDIR, EACCES, ENOEXEC, EISDIR, ELOOP } = constants.errno;

const stages: Record<number, string> = {
  1: 'the guest refused the request',
  2: 'no resources for it in the sandbox',
  3: 'user',
  4: 'working directory',
  5: 'resource limits',
  6: 'executing it failed',
};

const hints: Record<number, string> = {
  2: 'Give it more processes or memory (--pids, --memory), or end something that runs in it.',
  4: 'Name a directory with --workdir; one that is not there is made.',
};

const UNKNOWN_FORMAT = 'the kernel does not know its format';

/** Why a command did not start, for the person who asked for it. `what`: the command, or what else names it. */
export function spawnError(what: string, { stage, errno, message }: SpawnFailedFrame): FsbError {
  const command = JSON.stringify(what);
  const why = printable(message) || errnoName(errno);
  if (stage === 6 && (errno === ENOENT || errno === ENOTDIR))
    return new FsbError('command_not_found', `exec: ${command}: not found in the sandbox`, {
      hint: what.includes('/')
        ? 'The file, or the interpreter that it names, must be in the image.'
        : 'Check the spelling, and that the image has it in a directory of its PATH.',
    });
  if (stage === 6 && errno === EACCES)
    return notExecutable(command, 'permission denied', 'The file needs execute permission for this user.');
  if (stage === 6 && errno === EISDIR)
    return notExecutable(command, 'it is a directory', 'Name a program in that directory.');
  if (stage === 6 && errno === ELOOP)
    return notExecutable(
      command,
      'too many symbolic links on the way',
      'A link of that name may lead back to itself; look with: ls -l',
    );
  if (stage === 6 && errno === ENOEXEC)
    return notExecutable(
      command,
      UNKNOWN_FORMAT,
      'It may be built for another architecture, or be a script without a #! line.',
    );
  if (stage === 3)
    return new FsbError('invalid_argument', `exec: ${command}: ${stages[stage]}: ${why}`, {
      hint: "Use a name from the image's /etc/passwd and /etc/group, or numbers.",
    });
  return new FsbError('run_failed', `exec: ${command}: ${stages[stage] ?? `stage ${stage}`}: ${why}`, {
    hint: hints[stage],
  });
}

/** The file is no program for this machine. */
export const isUnknownFormat = ({ code, message }: FsbError): boolean =>
  code === 'not_executable' && message.endsWith(UNKNOWN_FORMAT);

function notExecutable(command: string, why: string, hint: string): FsbError {
  return new FsbError('not_executable', `exec: ${command}: cannot be executed: ${why}`, { hint });
}

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found ? found[0] : `error ${errno}`;
}

/** The guest's words end up on terminals: no control characters, no flood. */
export function printable(message: string): string {
  return message.replaceAll(/\p{C}/gu, '?').slice(0, 300);
}
