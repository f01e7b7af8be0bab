import { FsbError, isLost } from '../../core/model/failure/errors.ts';
import type { ToolPlace } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { inputContent } from '../terminal/input-content.ts';
import type { World } from '../terminal/world.ts';
import {
  type CopyOptions,
  copyFromSandbox,
  copyToSandbox,
  streamFromSandbox,
  streamToSandbox,
} from './copy.ts';
import { type Place, parsePlace } from './place.ts';
import { CopyProgress, humanSize } from './progress.ts';
import { unpacked } from './unpacked.ts';
import { assertUtf8Words } from './utf8-words.ts';

export interface CopyCommand {
  source: string;
  destination: string;
  options: CopyOptions;
  world: World;
  silent: boolean;
  signal: AbortSignal;
  /** Called once the words are known to make sense. */
  place: (name: string) => Promise<ToolPlace>;
  /** A line for people. */
  say: (text: string) => Promise<void>;
}

/** The whole of `cp`. @throws invalid_argument, not_found, conflict, denied, no_capacity, run_failed (the core was lost) */
export async function runCopy(command: CopyCommand): Promise<void> {
  const { world, silent, say } = command;
  assertUtf8Words([command.source, command.destination]);
  const [source, destination] = [command.source, command.destination].map((word) =>
    parsePlace(word, world.cwd),
  ) as [Place, Place];
  const progress = new CopyProgress(world, silent);
  let partial = false;
  try {
    if (destination.kind === 'remote') await upload(command, source, destination, progress);
    else if (source.kind === 'remote') await download(command, source, destination, progress);
    else throw noSandbox();
  } catch (error) {
    // Inside, what was begun stays; here it is taken away.
    partial = command.signal.aborted && destination.kind === 'remote' && progress.bytes > 0;
    throw withWhatIsLeft(error, command);
  } finally {
    await progress.clear();
    for (const note of progress.notes) await say(`Note: ${printable(note)}`);
    if (partial) await say(`What is at ${command.destination} may be incomplete: copy it again.`);
  }
  if (destination.kind !== 'stream')
    await say(`Successfully copied ${humanSize(progress.bytes)} to ${command.destination}`);
}

/** People know of no process: what was lost is a copy. */
function withWhatIsLeft(error: unknown, { source, destination }: CopyCommand): unknown {
  if (!(error instanceof FsbError) || !isLost(error)) return error;
  const left = destination === '-' ? 'on standard output is' : `at ${destination} may be`;
  const why = (error.cause as FsbError).message;
  const message = `lost the core while ${source} was copied to ${destination}: ${why}`;
  return new FsbError('run_failed', message, {
    hint: `What is ${left} incomplete: copy it again.`,
    cause: error.cause,
  });
}

type Remote = Extract<Place, { kind: 'remote' }>;

async function upload(
  { options, world, signal, place }: CopyCommand,
  source: Place,
  { name, path }: Remote,
  progress: CopyProgress,
): Promise<void> {
  if (source.kind === 'remote')
    throw new FsbError('invalid_argument', 'cannot copy from a sandbox to a sandbox', {
      hint: 'Go through a pipe: fsb-ctl cp ONE:PATH - | fsb-ctl cp - OTHER:DIRECTORY',
    });
  const { stdin } = world.terminal;
  if (source.kind === 'stream' && stdin.isTTY)
    throw new FsbError('invalid_argument', 'standard input is a terminal, and no tar', {
      hint: 'Send one: tar c FILES | fsb-ctl cp - NAME:DIRECTORY',
    });
  const at = await place(name);
  if (source.kind === 'local') return copyToSandbox(source.path, at, path, options, progress);
  return streamToSandbox(unpacked(inputContent(stdin, signal)), at, path, options, progress);
}

async function download(
  { options, world, place }: CopyCommand,
  { name, path }: Remote,
  destination: Exclude<Place, Remote>,
  progress: CopyProgress,
): Promise<void> {
  const { stdout } = world.terminal;
  if (destination.kind === 'stream' && stdout.isTTY)
    throw new FsbError('invalid_argument', 'a tar is nothing for a terminal', {
      hint: 'Name a path, or redirect standard output.',
    });
  const at = await place(name);
  if (destination.kind === 'stream') return streamFromSandbox(at, path, stdout, options, progress);
  return copyFromSandbox(at, path, destination.path, options, progress);
}

const noSandbox = (): FsbError =>
  new FsbError('invalid_argument', 'neither side is in a sandbox', {
    hint: 'Write one of them as NAME:PATH.',
  });
