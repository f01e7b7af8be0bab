import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogStore, LogWriter } from '../../../src/core/logs/log-store.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { StreamName } from '../../../src/core/model/process.ts';
import { collect, droppedOf, makePlace, SetClock, textOf } from './harness.ts';

interface Piece {
  stream: StreamName;
  text: string;
}

const stream = fc.constantFrom<StreamName>('stdout', 'stderr');
const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 30 });
const pieces = fc.array(fc.record<Piece>({ stream, text }), { maxLength: 40 });
const indexBytes = fc.integer({ min: 1, max: 200 });
const retention = fc.record({
  segmentBytes: fc.integer({ min: 1, max: 600 }),
  maxSegments: fc.integer({ min: 1, max: 6 }),
  indexBytes,
});

const whole = (list: Piece[], name: StreamName): string =>
  list
    .filter((piece) => piece.stream === name)
    .map((piece) => piece.text)
    .join('');

/** Appends what comes after `from`, as a pump that resends everything does: known bytes are sent again. */
async function appendAll(writer: LogWriter, list: Piece[], wait: boolean): Promise<void> {
  const at = { stdout: 0, stderr: 0 };
  const all: Promise<void>[] = [];
  for (const piece of list) {
    all.push(
      writer.append({ stream: piece.stream, offset: at[piece.stream], data: Buffer.from(piece.text) }),
    );
    at[piece.stream] += piece.text.length;
    if (wait) await all.at(-1);
  }
  await Promise.all(all);
}

/** Everything read is a suffix of what was written, and what is missing was reported. */
function expectTruthful(entries: LogEntry[], list: Piece[]): void {
  const out = textOf(entries, 'stdout');
  const err = textOf(entries, 'stderr');
  expect(whole(list, 'stdout').endsWith(out)).toBe(true);
  expect(whole(list, 'stderr').endsWith(err)).toBe(true);
  if (entries.length > 0)
    expect(out.length + err.length + droppedOf(entries)).toBe(
      whole(list, 'stdout').length + whole(list, 'stderr').length,
    );
  let seq = 0;
  for (const entry of entries) {
    seq += (entry.dropped ?? 0) + entry.data.length;
    expect(entry.seq).toBe(seq);
  }
}

const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'box'))
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(directory, 'box', name));

async function inPlace(run: (open: Awaited<ReturnType<typeof makePlace>>) => Promise<void>): Promise<void> {
  await using place = await makePlace();
  await run(place);
}

describe('a log, whatever is appended and however it rotates', () => {
  it('reads as it was appended, and reports what rotation dropped', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, retention, fc.boolean(), (list, limits, wait) =>
        inPlace(async (place) => {
          const store = await place.open(limits);
          const writer = await store.writer('box');
          await appendAll(writer, list, wait);
          const entries = await collect(store);
          expectTruthful(entries, list);
          if (list.length > 0) expect(entries.length).toBeGreaterThan(0);
          await writer.close();
          expectTruthful(await collect(await place.open(limits)), list);
          if (list.length > 0)
            expect(segmentsOf(place.directory).length).toBeLessThanOrEqual(limits.maxSegments);
        }),
      ),
      { numRuns: 80 },
    );
  });

  it('continues after a crash that cut its last file at any byte, with nothing doubled', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, retention, fc.nat(), (list, limits, cut) =>
        inPlace(async (place) => {
          const first = await (await place.open(limits)).writer('box');
          await appendAll(first, list, true);
          await first.close();
          if (list.length === 0) return;
          const file = segmentsOf(place.directory).at(-1)!;
          truncateSync(file, cut % (statSync(file).size + 1));

          const store = await place.open(limits);
          const before = await collect(store);
          const writer = await store.writer('box');
          const { stdout, stderr } = writer.offsets;
          expect(whole(list, 'stdout').slice(0, stdout).endsWith(textOf(before, 'stdout'))).toBe(true);
          expect(whole(list, 'stderr').slice(0, stderr).endsWith(textOf(before, 'stderr'))).toBe(true);
          if (before.length > 0) expect(before.at(-1)!.seq).toBe(stdout + stderr);
          expect(await collect(store)).toEqual(before);

          await appendAll(writer, list, true);
          expectTruthful(await collect(store), list);
          expect(writer.offsets).toEqual({
            stdout: whole(list, 'stdout').length,
            stderr: whole(list, 'stderr').length,
          });
        }),
      ),
      { numRuns: 120 },
    );
  });

  it('resumes after any sequence number', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, retention, fc.nat(400), (list, limits, afterSeq) =>
        inPlace(async (place) => {
          const store = await place.open(limits);
          await appendAll(await store.writer('box'), list, false);
          const all = await collect(store);
          const rest = await collect(store, { afterSeq });
          const expected = all
            .filter((entry) => entry.seq > afterSeq)
            .map((entry) => entry.data.subarray(Math.max(0, afterSeq - (entry.seq - entry.data.length))));
          expect(textOf(rest)).toBe(Buffer.concat(expected).toString());
          if (rest.length > 0) expect(textOf(rest).length + droppedOf(rest)).toBe(all.at(-1)!.seq - afterSeq);
        }),
      ),
      { numRuns: 60 },
    );
  });

  it('goes on behind so much of each stream, however much of the other one came in between', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, retention, fc.nat(400), fc.nat(400), (list, limits, stdout, stderr) =>
        inPlace(async (place) => {
          const store = await place.open(limits);
          await appendAll(await store.writer('box'), list, false);
          const from = { stdout, stderr };
          const [all, rest] = [await collect(store), await collect(store, { from })];
          for (const name of ['stdout', 'stderr'] as const) {
            const said = whole(list, name);
            const gone = said.length - textOf(all, name).length;
            expect(textOf(rest, name)).toBe(said.slice(Math.max(from[name], gone)));
          }
          for (const { stream: name, offset, data } of rest)
            expect(whole(list, name).slice(offset, offset + data.length)).toBe(data.toString());
        }),
      ),
      { numRuns: 100 },
    );
  });
});

interface Timed extends Piece {
  time: number;
}

/** As the log has them: the clock may be set back, times in a log never go back. */
function asLogged(list: Timed[]): Timed[] {
  let latest = 0;
  return list.map((piece) => {
    latest = Math.max(latest, piece.time);
    return { ...piece, time: latest };
  });
}

/** The last lines, found the slow way: each byte with the line it is in, lines ordered by the last byte asked for. */
function expectedTail(list: Timed[], asked: (piece: Timed) => boolean, tail: number): Piece[] {
  const bytes: { stream: StreamName; text: string; line: object }[] = [];
  const current: Partial<Record<StreamName, { end: number }>> = {};
  const lines = new Set<{ end: number }>();
  for (const piece of list)
    for (const byte of piece.text) {
      current[piece.stream] ??= { end: 0 };
      const line = current[piece.stream]!;
      if (byte === '\n') delete current[piece.stream];
      if (!asked(piece)) continue;
      lines.add(line);
      line.end = bytes.push({ stream: piece.stream, text: byte, line });
    }
  const last = [...lines].sort((a, b) => b.end - a.end).slice(0, tail);
  return bytes.filter(({ line }) => last.some((wanted) => wanted === line));
}

async function writeTimed(store: LogStore, clock: SetClock, list: Timed[]): Promise<LogWriter> {
  const writer = await store.writer('box');
  const at = { stdout: 0, stderr: 0 };
  for (const piece of list) {
    clock.time = piece.time;
    await writer.append({ stream: piece.stream, offset: at[piece.stream], data: Buffer.from(piece.text) });
    at[piece.stream] += piece.text.length;
  }
  return writer;
}

describe('what is asked for of a log', () => {
  const timed = fc.array(fc.record<Timed>({ stream, text, time: fc.integer({ min: 1, max: 20 }) }), {
    maxLength: 30,
  });
  const window = fc.record({
    tail: fc.option(fc.nat(12), { nil: undefined }),
    since: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    until: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    stdout: fc.boolean(),
    stderr: fc.boolean(),
  });

  const limits = fc.record({ segmentBytes: fc.integer({ min: 1, max: 1200 }), indexBytes });

  it('is the last lines, of a time, of a stream, across segments, also in a log that was opened again', async () => {
    await fc.assert(
      fc.asyncProperty(timed, limits, window, (list, sizes, query) =>
        inPlace(async (place) => {
          const clock = new SetClock();
          const options = { clock, ...sizes, maxSegments: 1000 };
          const store = await place.open(options);
          const writer = await writeTimed(store, clock, list);
          const asked = ({ time, stream: name }: Timed): boolean =>
            query[name] && time >= (query.since ?? 0) && time < (query.until ?? 100);
          const expected = expectedTail(asLogged(list), asked, query.tail ?? 10_000);
          const check = async (opened: LogStore): Promise<void> => {
            const entries = await collect(opened, query);
            for (const name of ['stdout', 'stderr'] as const)
              expect(textOf(entries, name)).toBe(whole(expected, name));
            expect(textOf(entries)).toBe(expected.map((piece) => piece.text).join(''));
            expect(droppedOf(entries)).toBe(0);
          };
          await check(store);
          await writer.close();
          await check(await place.open(options));
        }),
      ),
      { numRuns: 250 },
    );
  });

  it('carries times that never go back, however the clock is set, also across a restart', async () => {
    await fc.assert(
      fc.asyncProperty(timed, timed, limits, (before, after, sizes) =>
        inPlace(async (place) => {
          const clock = new SetClock();
          const options = { clock, ...sizes, maxSegments: 1000 };
          await (await writeTimed(await place.open(options), clock, before)).close();
          const store = await place.open(options);
          const writer = await store.writer('box');
          for (const { time, text: piece } of after) {
            clock.time = time;
            const data = Buffer.from(piece);
            await writer.append({ stream: 'stderr', offset: writer.offsets.stderr, data });
          }
          const times = (await collect(store)).map(({ time }) => time);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        }),
      ),
      { numRuns: 60 },
    );
  });
});
