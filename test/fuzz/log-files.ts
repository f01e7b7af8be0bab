import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { createLogStore } from '../../src/core/logs/file-log-store.ts';
import type { LogStore } from '../../src/core/logs/log-store.ts';
import { systemClock } from '../../src/core/model/clock.ts';
import { type LogEntry, type LogQuery, wholeLog } from '../../src/core/model/logs.ts';
import type { StreamName } from '../../src/core/model/process.ts';
import { mutated } from './mutations.ts';

const piece = fc.record({
  stream: fc.constantFrom<StreamName>('stdout', 'stderr'),
  text: fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\0', '\u0001'), minLength: 1, maxLength: 60 }),
});

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
 * Segments that a disk, or somebody, has changed: no reader fails, what is read was written at that very place, what is
 * missing is told, in the log of the core or as dropped; and the log can be written again.
 */
export const logFilesProperty = () =>
  fc.asyncProperty(
    fc.array(piece, { minLength: 1, maxLength: 20 }),
    fc.integer({ min: 60, max: 600 }),
    fc.array(damage, { minLength: 1, maxLength: 2 }),
    fc.boolean(),
    async (pieces, segmentBytes, damages, ended) => {
      const directory = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
      try {
        const written = await write(directory, segmentBytes, pieces, ended);
        const cut = await spoil(join(directory, 'box'), damages);
        await check(directory, written, cut);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  );

/** @returns of each byte of the log its stream and its value, in order */
async function write(
  directory: string,
  segmentBytes: number,
  pieces: { stream: StreamName; text: string }[],
  ended: boolean,
): Promise<string[]> {
  const log = pino({ level: 'silent' });
  const store = await createLogStore({ directory, clock: systemClock, log, segmentBytes, maxSegments: 99 });
  const writer = await store.writer('box');
  const at = { stdout: 0, stderr: 0 };
  const written: string[] = [];
  for (const { stream, text } of pieces) {
    await writer.append({ stream, offset: at[stream], data: Buffer.from(text) });
    at[stream] += text.length;
    written.push(...[...Buffer.from(text)].map((byte) => `${stream} ${byte}`));
  }
  if (ended) await writer.end();
  await store.close();
  return written;
}

/** @returns whether a file has lost its end, and nothing else: at the border of a record nobody can see that */
async function spoil(directory: string, damages: Damage[]): Promise<boolean> {
  const files = (await readdir(directory)).sort();
  let cut = false;
  for (const { file, make } of damages) {
    const path = join(directory, files[file % files.length]!);
    const before = await readFile(path);
    const after = make(before);
    cut ||= before.subarray(0, after.length).equals(after);
    await writeFile(path, after);
  }
  return cut;
}

async function check(directory: string, written: string[], cut: boolean): Promise<void> {
  const told: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
  const store = await createLogStore({ directory, clock: systemClock, log, maxSegments: 99 });
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
  const next = await createLogStore({ directory, clock: systemClock, log, maxSegments: 99 });
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
