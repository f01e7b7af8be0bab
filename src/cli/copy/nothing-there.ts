import { FsbError } from '../../core/model/failure/errors.ts';
import { shellWords } from '../../core/model/shell-words.ts';
import { lookAround } from '../files/look-around.ts';
import type { ToolPlace } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { splitPath } from './place.ts';

export const nothingHere = (path: string): FsbError => nothingAt(path, lookAround(path));

export const nothingInside = (place: ToolPlace, path: string): FsbError =>
  nothingAt(
    `${place.ref.name}:${path}`,
    `See what there is with: ${inside(place, ['ls', '-a', splitPath(path).directory])}`,
  );

/** Where the copy should go. */
export const noDirectoryInside = (place: ToolPlace, directory: string): FsbError =>
  nothingAt(
    `to ${place.ref.name}:${directory}`,
    `Make it first with: ${inside(place, ['mkdir', '-p', directory])}`,
  );

/** Where fsb-init complains of a file whose size and content are not those of a disk; undefined: of something else. */
export function madeUpInside(place: ToolPlace, path: string, complaint: string): FsbError | undefined {
  const [, file] = /^cannot copy what the kernel makes up: (.+)/.exec(complaint) ?? [];
  if (file === undefined) return undefined;
  return new FsbError(
    'internal',
    `cannot copy ${printable(`${place.ref.name}:${path}`)}: the kernel makes up what is in it`,
    { hint: `Read it with: ${inside(place, ['cat', file])}` },
  );
}

/** The same of what is here. @param file what can be read of it */
export const madeUpHere = (path: string, file: string): FsbError =>
  new FsbError('internal', `cannot copy ${printable(path)}: the kernel makes up what is in it`, {
    hint: `Send what it says now: fsb-ctl exec -i NAME sh -c "cat > FILE" < ${printable(shellWords([file]))}`,
  });

const nothingAt = (what: string, hint: string): FsbError =>
  new FsbError('not_found', `cannot copy ${printable(what)}: there is no such file or directory`, { hint });

const inside = ({ ref }: ToolPlace, command: string[]): string =>
  `fsb-ctl exec ${ref.name} ${printable(shellWords(command))}`;
