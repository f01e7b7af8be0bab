import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { FsbError } from '../../core/model/failure/errors.ts';
import { openInput } from '../files/input-stream.ts';
import { unreadable } from '../files/unreadable.ts';
import { assertReadable } from '../terminal/readable-input.ts';
import { readText } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';

const LARGEST_FILE = 1024 * 1024;

/** What messages call the file of `-f`. */
export const inputName = (file: string): string => (file === '-' ? 'standard input' : file);

/** The text of a file; `-` is standard input. @throws not_found, invalid_argument */
export async function readInput(file: string, world: World, signal: AbortSignal): Promise<string> {
  if (file !== '-') return readFileText(file, world, signal);
  const { stdin } = world.terminal;
  assertReadable(stdin);
  return readText(stdin, { limit: LARGEST_FILE, what: inputName(file), signal });
}

/** @param signal for a pipe that nobody writes to @throws not_found, invalid_argument */
export async function readFileText(file: string, world: World, signal: AbortSignal): Promise<string> {
  let stream: Readable | undefined;
  try {
    stream = await openInput(resolve(world.cwd, file));
    return await readText(stream, { limit: LARGEST_FILE, what: file, signal });
  } catch (error) {
    stream?.destroy();
    if (error instanceof FsbError) throw error;
    throw unreadable(file, resolve(world.cwd, file), error);
  }
}
