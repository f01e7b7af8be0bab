import { FsbError } from '../../core/model/failure/errors.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import type { RunFlags } from '../spec/run-flags.ts';

/** Stay with the sandbox, as opposed to printing its name and leaving. */
export const attaches = (
  flags: Pick<RunFlags, 'attach' | 'interactive' | 'tty' | 'rm' | 'detach'>,
): boolean => !flags.detach && (flags.attach || flags.interactive || flags.tty || flags.rm);

/** @throws invalid_argument for flags that contradict each other, and detach keys that are none */
export function assertRunFlags(
  flags: Pick<RunFlags, 'attach' | 'detach' | 'file' | 'interactive' | 'detach-keys'>,
): void {
  parseDetachKeys(flags['detach-keys']);
  const clash = (a: string, b: string, hint: string): FsbError =>
    new FsbError('invalid_argument', `${a} and ${b} contradict each other`, { hint });
  if (flags.detach && flags.attach) throw clash('--detach', '--attach', 'Give one of them.');
  if (flags.file === '-' && flags.interactive && !flags.detach)
    throw clash(
      '--file -',
      '--interactive',
      'Standard input can be the spec or the input of the command; put the spec into a file.',
    );
}
