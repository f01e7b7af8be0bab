import { FsbError } from '../../core/model/failure/errors.ts';
import { lookAround } from '../files/look-around.ts';
import type { ToolPlace } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { shellWords } from '../output/shell-words.ts';
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

const nothingAt = (what: string, hint: string): FsbError =>
  new FsbError('not_found', `cannot copy ${printable(what)}: there is no such file or directory`, { hint });

const inside = ({ ref }: ToolPlace, command: string[]): string =>
  `fsb-ctl exec ${ref.name} ${printable(shellWords(command))}`;
