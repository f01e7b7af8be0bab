import { fstatSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { TerminalInput } from './world.ts';

/** To be called before it is read: Node takes a directory for an input that is empty. @throws invalid_argument */
export function assertReadable({ fd }: TerminalInput): void {
  if (fd === undefined || !fstatSync(fd).isDirectory()) return;
  throw new FsbError('invalid_argument', 'standard input is a directory', {
    hint: 'Name a file that is to be read: < FILE',
  });
}
