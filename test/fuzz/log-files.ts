import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Logger, pino } from 'pino';
import { createLogStore } from '../../src/core/logs/file-log-store.ts';
import type { LogStore } from '../../src/core/logs/log-store.ts';
import { systemClock } from '../../src/core/model/clock.ts';
import { type LogEntry, type LogQuery, wholeLog } from '../../src/core/model/logs.ts';
import type { StreamName } from '../../src/core/model/process.ts';
import { corpusDirectory } from './corpus-files.ts';
import { mutated } from './mutations.ts';

const CORPUS = corpusDirectory('log-files');
/** Beside the files of each: what was written, and whether one of them has lost its end. */
const CASE = 'case.json';

const piece = fc.record({
  stream: fc.constantFrom<StreamName>('stdout', 'stderr'),
  text: fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\0', '\u0001'), minLength: 1, maxLength: 60 }),
});

/** A log that is written now; or, by its name, one that is committed, as an earlier core has left it. */
const source = fc.oneof(
  fc.record({
    pieces: fc.array(piece, { minLength: 1, maxLength: 20 }),
    segmentBytes: fc.integer({ min: 60, max: 600 }),
    ended: fc.boolean(),
  }),
  fc.constantFrom(...committedLogs()),
);

type Source = typeof source extends fc.Arbitrary<infer T> ? T : never;

interface Damage {
  /** Which of the files; modulo how many there are. */
  file: number;
  /** What is there afterwards, of what was there. */
  make: (bytes: Buffer) => Buffer;
}

/** The same changes for any bytes: the arbitrary makes them for bytes that are not known yet. */
const damage: fc.Arbitrary<Damage> = fc
  .record({ file: fc.nat(), seed: fc.integer() })
  .map(({ file, seed }) => ({
    file,
    make: (bytes) => fc.sample(mutated([bytes], 3), { seed, numRuns: 1 })[0]!,
  }));

/**
 * Segments and indexes that a disk, or somebody, has changed: no reader fails, what is read was written at that very place,
 * what is missing is told, in the log of the core or as dropped; and the log can be written again.
 */
export const logFilesProperty = () =>
  fc.asyncProperty(source, fc.array(damage, { minLength: 1, maxLength: 2 }), checkSpoilt);

/** Names of logs that earlier cores have left: whole, rotated, cut short, with bits flipped. */
export function committedLogs(): string[] {
  return readdirSync(CORPUS).sort();
}

/** @throws what is wrong with what is read of a log after these changes */
export async function checkSpoilt(from: Source, damages: readonly Damage[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
  try {
    const { written, cut } =
      typeof from === 'string' ? await copy(directory, from) : await write(directory, from);
    const isCut = await spoil(join(directory, 'box'), damages);
    await check(directory, bytesOf(written), cut || isCut);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What there is of a log. */
interface Laid {
  /** Everything that was said, in order; also what rotation has taken away since. */
  written: [StreamName, string][];
  /** A file has lost its end, and nothing else: at the border of a record nobody can see that. */
  cut: boolean;
}

async function copy(directory: string, name: string): Promise<Laid> {
  const box = join(directory, 'box');
  await cp(join(CORPUS, name), box, { recursive: true });
  await rm(join(box, CASE));
  return { cut: false, ...JSON.parse(readFileSync(join(CORPUS, name, CASE), 'utf8')) };
}

async function write(
  directory: string,
  { pieces, segmentBytes, ended }: Exclude<Source, string>,
): Promise<Laid> {
  const store = await openStore(directory, pino({ level: 'silent' }), segmentBytes);
  const writer = await store.writer('box');
  const at = { stdout: 0, stderr: 0 };
  for (const { stream, text } of pieces) {
    await writer.append({ stream, offset: at[stream], data: Buffer.from(text) });
    at[stream] += text.length;
  }
  if (ended) await writer.end();
  await store.close();
  return { written: pieces.map(({ stream, text }) => [stream, text]), cut: false };
}

const openStore = (directory: string, log: Logger, segmentBytes?: number): Promise<LogStore> =>
  createLogStore({
    ...{ directory, log, clock: systemClock, maxSegments: 99, indexBytes: 100 },
    ...(segmentBytes && { segmentBytes }),
  });

/** Of each byte of the log its stream and its value. */
const bytesOf = (written: Laid['written']): string[] =>
  written.flatMap(([stream, text]) => [...Buffer.from(text)].map((byte) => `${stream} ${byte}`));

/** @returns whether that has cut a file, as in Laid */
async function spoil(directory: string, damages: readonly Damage[]): Promise<boolean> {
  const files = (await readdir(directory)).sort();
  let cut = false;
  for (const { file, make } of damages) {
    const name = files[file % files.length]!;
    const before = await readFile(join(directory, name));
    const after = make(before);
    cut ||= name.endsWith('.log') && before.subarray(0, after.length).equals(after);
    await writeFile(join(directory, name), after);
  }
  return cut;
}

async function check(directory: string, written: string[], cut: boolean): Promise<void> {
  const told: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
  const store = await openStore(directory, log);
  let after: LogEntry[];
  try {
    const all = await read(store, {});
    for (const entry of all) assertWasWritten(entry, written);
    for (const query of [{ tail: 3 }, { afterSeq: 5 }, { stderr: false }])
      for (const entry of await read(store, query)) assertWasWritten(entry, written);
    const accounted = all.reduce((sum, { data, dropped = 0 }) => sum + data.length + dropped, 0);
    if (accounted < written.length && told.length === 0 && !cut)
      throw new Error('bytes are missing, and nobody told');
    after = await writeMore(store, all);
    assertKept(all, after);
  } finally {
    await store.close();
  }
  // As the next core reads it.
  const next = await openStore(directory, log);
  try {
    assertKept(after, await read(next, {}));
  } finally {
    await next.close();
  }
}

/** Opens the log to be written, and adds to it unless it is complete. @returns what it says then */
async function writeMore(store: LogStore, before: LogEntry[]): Promise<LogEntry[]> {
  const writer = await store.writer('box');
  const offset = writer.offsets.stdout;
  await writer.append({ stream: 'stdout', offset, data: Buffer.from(NEW) }).catch(ifComplete);
  await writer.close();
  const after = await read(store, {});
  const isNew = after.at(-1)?.data.toString() === NEW;
  const wasComplete = after.length === before.length;
  if (!isNew && !wasComplete) throw new Error('what was written last cannot be read');
  return after;
}

const NEW = 'something new';

function ifComplete(error: Error): void {
  if (!error.message.includes('is complete')) throw error;
}

/** What could be read before is read, at its place. */
function assertKept(before: LogEntry[], after: LogEntry[]): void {
  const found = new Set(after.map(placeOf));
  for (const entry of before)
    if (!found.has(placeOf(entry))) throw new Error(`${placeOf(entry)} could be read before`);
}

const placeOf = ({ stream, seq, data }: LogEntry): string =>
  `${stream} ${seq} ${JSON.stringify(data.toString('latin1'))}`;

async function read(store: LogStore, query: Partial<LogQuery>): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of store.read('box', { ...wholeLog, ...query })) entries.push(entry);
  return entries;
}

function assertWasWritten({ stream, data, seq }: LogEntry, written: string[]): void {
  const wanted = written.slice(seq - data.length, seq).join();
  if ([...data].map((byte) => `${stream} ${byte}`).join() !== wanted)
    throw new Error(
      `it reads ${JSON.stringify(data.toString())} at ${seq - data.length}: never written there`,
    );
}
