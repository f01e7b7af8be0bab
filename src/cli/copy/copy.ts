import { FsbError } from '../../core/model/failure/errors.ts';
import { Complaints, NOTHING_THERE } from '../../core/model/guest-tool.ts';
import type { ProcessSession } from '../../core/model/process.ts';
import { type ToolPlace, whyFailed, withTool } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { write } from '../terminal/streams.ts';
import type { TerminalOutput } from '../terminal/world.ts';
import { findLocally, lookLocally } from './local-files.ts';
import { madeUpInside, noDirectoryInside, nothingHere, nothingInside } from './nothing-there.ts';
import { packLocal } from './pack-local.ts';
import { splitPath } from './place.ts';
import { assertHasContent, type CopyPlan, findDestination, planCopy } from './plan.ts';
import type { CopyProgress } from './progress.ts';
import { lookRemotely } from './remote-lookup.ts';
import { LocalUnpacker } from './unpack-local.ts';

export interface CopyOptions {
  /** Keep owners. */
  archive: boolean;
  /** Follow a symbolic link at the source. */
  follow: boolean;
}

/** @throws not_found, conflict, denied, no_capacity */
export async function copyToSandbox(
  source: string,
  place: ToolPlace,
  path: string,
  options: CopyOptions,
  progress: CopyProgress,
): Promise<void> {
  const { archive: owners, follow } = options;
  const found = await lookLocally(source, follow);
  if (found === undefined) throw nothingHere(source);
  assertHasContent(found, source);
  // `<(command)` and /dev/stdin are links to a pipe: inside, they would lead nowhere.
  if (found.kind === 'symlink') assertHasContent((await lookLocally(source, true)) ?? found, source);
  const { base } = splitPath(source);
  const destination = await findDestination(path, (at) => lookRemotely(place, at));
  const plan = planCopy({ base, isDirectory: found.kind === 'directory' }, destination, place);
  const { note, copied } = progress;
  progress.total = found.size;
  const content = packLocal(source, { name: plan.name, follow, owners, note, copied });
  await unpackInside(place, plan.directory, owners, content, note);
}

/** A tar, from wherever it comes. @throws not_found, conflict (no directory) */
export async function streamToSandbox(
  content: AsyncIterable<Buffer>,
  place: ToolPlace,
  path: string,
  options: Pick<CopyOptions, 'archive'>,
  progress: CopyProgress,
): Promise<void> {
  const { path: directory, kind } = await findDestination(path, (at) => lookRemotely(place, at));
  if (kind !== 'directory')
    throw new FsbError(
      kind === undefined ? 'not_found' : 'conflict',
      `${place.ref.name}:${printable(path)} must be a directory`,
      {
        hint: 'A tar is unpacked into a directory that is there.',
      },
    );
  await unpackInside(place, directory, options.archive, counted(content, progress.copied), progress.note);
}

async function* counted(
  content: AsyncIterable<Buffer>,
  copied: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    copied(chunk.length);
    yield chunk;
  }
}

/** @throws not_found, conflict, denied, no_capacity */
export async function copyFromSandbox(
  place: ToolPlace,
  path: string,
  target: string,
  options: CopyOptions,
  progress: CopyProgress,
): Promise<void> {
  const { archive: owners, follow } = options;
  const found = await lookRemotely(place, path, follow);
  if (found === undefined) throw nothingInside(place, path);
  assertHasContent(found, `${place.ref.name}:${path}`);
  const { base } = splitPath(path);
  const destination = await findLocally(target);
  const plan = planCopy({ base, isDirectory: found.kind === 'directory' }, destination);
  await assertDirectory(plan);
  const { note, copied } = progress;
  progress.total = found.size;
  const unpacker = new LocalUnpacker({ base, plan, owners, note, copied });
  try {
    await packInside(place, path, follow, note, async (chunk) => unpacker.push(chunk));
    unpacker.end();
  } finally {
    unpacker.close();
  }
}

async function assertDirectory({ directory }: CopyPlan): Promise<void> {
  const found = await lookLocally(directory, true);
  if (found?.kind === 'directory') return;
  throw new FsbError('not_found', `cannot copy to ${directory}: there is no such directory`, {
    hint: 'Make it first.',
  });
}

/** The tar itself. @throws not_found */
export async function streamFromSandbox(
  place: ToolPlace,
  path: string,
  output: TerminalOutput,
  options: Pick<CopyOptions, 'follow'>,
  progress: CopyProgress,
): Promise<void> {
  await packInside(place, path, options.follow, progress.note, (chunk) => write(output, chunk, place.signal));
}

function packInside(
  place: ToolPlace,
  path: string,
  follow: boolean,
  note: (text: string) => void,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const argv = ['tar-out', ...(follow ? ['-L'] : []), '--', path];
  return withTool(place, argv, false, async (session) => {
    const complaints = new Complaints();
    for await (const { stream, data } of session.output) {
      // A copy that is given up writes nothing more: whoever takes it has let go of everything.
      if (place.signal.aborted) return;
      if (stream === 'stderr') complaints.push(data);
      else await take(data);
    }
    const where = `${place.ref.name}:${path}`;
    const madeUp = madeUpInside(place, path, complaints.text);
    if (madeUp !== undefined && (await session.exited).code !== 0) throw madeUp;
    await conclude(session, complaints, { where, missing: nothingInside(place, path), note });
  });
}

function unpackInside(
  place: ToolPlace,
  directory: string,
  owners: boolean,
  content: Iterable<Buffer> | AsyncIterable<Buffer>,
  note: (text: string) => void,
): Promise<void> {
  const argv = ['tar-in', ...(owners ? ['--same-owner'] : []), '--', directory];
  return withTool(place, argv, true, async (session) => {
    const complaints = new Complaints();
    const over = new AbortController();
    const reading = readComplaints(session, complaints).finally(() => over.abort());
    // A tool that has failed takes nothing more, and its failure gets reported, however long the next bytes may take.
    const wanted = AbortSignal.any([over.signal, place.signal]);
    await Promise.race([reading, feed(session, content, wanted).then(() => reading)]);
    const where = `to ${place.ref.name}:${directory}`;
    await conclude(session, complaints, { where, missing: noDirectoryInside(place, directory), note });
  });
}

async function feed(
  session: ProcessSession,
  content: Iterable<Buffer> | AsyncIterable<Buffer>,
  wanted: AbortSignal,
): Promise<void> {
  for await (const chunk of content) {
    if (wanted.aborted) return;
    await session.write(chunk);
  }
  session.endInput();
}

async function readComplaints(session: ProcessSession, complaints: Complaints): Promise<void> {
  for await (const { stream, data } of session.output) if (stream === 'stderr') complaints.push(data);
}

async function conclude(
  session: ProcessSession,
  complaints: Complaints,
  { where, missing, note }: { where: string; missing: FsbError; note: (text: string) => void },
): Promise<void> {
  const status = await session.exited;
  if (status.code === 0) {
    if (complaints.text !== '') for (const line of complaints.text.split('\n')) note(line);
    return;
  }
  if (status.code === NOTHING_THERE) throw missing;
  const why = whyFailed(status, complaints.text);
  throw new FsbError(
    why.startsWith('cannot overwrite') ? 'conflict' : 'internal',
    `cannot copy ${printable(where)}: ${why}`,
  );
}
