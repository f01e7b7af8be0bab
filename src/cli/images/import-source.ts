import { resolve } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { ImportRequest } from '../../core/model/image/image-requests.ts';
import { inputContent } from '../terminal/input-content.ts';
import type { World } from '../terminal/world.ts';
import { counted } from './counted.ts';
import type { PullProgress } from './pull-lines.ts';

/** What it is called to people. */
export const STDIN = 'standard input';

/**
 * Where an image comes from: a file on the machine of the core, or `-`, the bytes of standard input.
 * @param signal ends the wait for bytes
 * @throws invalid_argument when that is a terminal
 */
export function importSource(
  file: string,
  { cwd, terminal: { stdin } }: Pick<World, 'cwd' | 'terminal'>,
  signal: AbortSignal,
  progress: PullProgress,
): ImportRequest['source'] {
  if (file !== '-') return { path: resolve(cwd, file) };
  if (stdin.isTTY)
    throw new FsbError('invalid_argument', 'standard input is a terminal, and no image', {
      hint: 'Name a FILE, or send one: fsb-ctl image import - < FILE',
    });
  const content = inputContent(stdin, signal);
  return { content: counted(content, { id: STDIN, total: 0, last: 'downloaded' }, progress) };
}
