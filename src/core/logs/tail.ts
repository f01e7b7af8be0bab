import type { LogQuery } from '../model/logs.ts';
import type { StreamName } from '../model/process.ts';
import { type LogRecord, segmentMagic } from './record.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { readBackwards } from './segment.ts';
import { type Start, selects } from './selection.ts';

const NEWLINE = 0x0a;
const streams: readonly StreamName[] = ['stdout', 'stderr'];

/**
 * Finds the last lines of a log from its end. Lines of the two streams may be interleaved inside each other: the last
 * ones are those that end last, and each is found from its own beginning.
 */
class LineCounter {
  readonly #wanted: number;
  #lines = 0;
  /** Where the earliest wanted line of each stream begins. */
  readonly from: Record<StreamName, number>;
  /** The beginning of the line is further to the front. */
  readonly #open: Record<StreamName, boolean> = { stdout: false, stderr: false };

  /** `ends`: bytes of each stream in all. */
  constructor(wanted: number, ends: Readonly<Record<StreamName, number>>) {
    this.#wanted = wanted;
    this.from = { ...ends };
  }

  /** Every wanted line is known with its beginning. */
  get complete(): boolean {
    return this.#lines >= this.#wanted && !this.isOpen;
  }

  /** Of a line that was found the beginning is not known yet. */
  get isOpen(): boolean {
    return this.#open.stdout || this.#open.stderr;
  }

  /** Records in reverse order. */
  visit(record: LogRecord): void {
    if (record.kind === 'end') return;
    const stream = record.kind;
    for (let end = record.data.length; end > 0; ) {
      if (!this.#open[stream]) {
        if (this.#lines >= this.#wanted) return;
        this.#lines += 1;
        this.#open[stream] = true;
        end -= 1;
      }
      const newline = end === 0 ? -1 : record.data.lastIndexOf(NEWLINE, end - 1);
      if (newline < 0) break;
      this.#begins(stream, record.offset + newline + 1);
      end = newline + 1;
    }
    if (this.#open[stream] && record.lineStart) this.#begins(stream, record.offset);
  }

  /** A record in between that is not asked for: its bytes count for nothing, but a line may begin in it. */
  pass(record: LogRecord): void {
    if (record.kind === 'end' || !this.#open[record.kind]) return;
    if (record.lineStart || record.data.includes(NEWLINE))
      this.#begins(record.kind, record.offset + record.data.length);
  }

  /** The log ends here towards the front: lines that are still open have lost their beginning. */
  finish(): void {
    for (const stream of streams) if (this.#open[stream]) this.#begins(stream, 0);
  }

  #begins(stream: StreamName, offset: number): void {
    this.from[stream] = offset;
    this.#open[stream] = false;
  }
}

/** Where to start for the last `query.tail` lines of what else the query selects; reads no more than these take. */
export async function startOfTail(known: SandboxLog, query: LogQuery & { tail: number }): Promise<Start> {
  const last = known.segments.at(-1);
  const counter = new LineCounter(query.tail, known.offsets);
  const start: Start = {
    segment: last?.number ?? 0,
    position: last?.length ?? 0,
    seq: known.seq,
    from: counter.from,
  };
  if (counter.complete) return start;
  // No file can be read: what was lost would have been wanted.
  if (last === undefined) start.seq = 0;
  for (const { number, end } of endsBefore(known, query.until)) {
    const walked = await walkBack(known, { number, end }, query, counter, start);
    if (walked === 'found') return start;
    if (walked === 'stop') break;
    // At the front of what rotation left: what was lost before it would have been wanted.
    if (number === known.segments[0]?.number) start.seq = 0;
  }
  counter.finish();
  return start;
}

interface SegmentEnd {
  number: number;
  /** Where to begin to walk back. */
  end: number;
}

/** The segments from the last one back, without those, and without the ends, that have nothing before `until`. */
function endsBefore(known: SandboxLog, until = Number.POSITIVE_INFINITY): SegmentEnd[] {
  return known.segments.toReversed().flatMap(({ number, length, marks }) => {
    const late = marks.findIndex(({ time }) => time >= until);
    if (late === 0) return [];
    return [{ number, end: late < 0 ? length : marks[late]!.position }];
  });
}

/** Moves `start` towards the front of one segment until the counter has what it wants. */
async function walkBack(
  known: SandboxLog,
  { number, end }: SegmentEnd,
  query: LogQuery,
  counter: LineCounter,
  start: Start,
): Promise<'found' | 'front' | 'stop'> {
  try {
    for await (const { record, position } of readBackwards(known, number, end)) {
      if (record.seq <= (query.afterSeq ?? -1)) return 'stop';
      start.segment = number;
      start.position = position;
      start.seq = record.seq - record.data.length;
      if (selects(query, record)) counter.visit(record);
      else counter.pass(record);
      // What is older than asked for is only looked at for the beginning of a line that was asked for.
      const isOver = record.time < (query.since ?? Number.NEGATIVE_INFINITY) && !counter.isOpen;
      if (counter.complete || isOver) return 'found';
    }
  } catch (error) {
    // Rotation was faster, or somebody has removed it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'front';
    throw error;
  }
  return start.position > segmentMagic.length ? 'stop' : 'front';
}
