import type { StreamName } from '../model/process.ts';
import type { StoreQuery } from './log-store.ts';
import { type LogRecord, offsetsAfter } from './record.ts';
import type { SandboxLog } from './sandbox-log.ts';
import type { Mark } from './segment-index.ts';
import type { Start } from './selection.ts';
import { startOfTail } from './tail.ts';

type Offsets = Readonly<Record<StreamName, number>>;

/** Where to begin reading for a query; found by the marks, so that what comes before is not read. */
export async function findStart(known: SandboxLog, query: StoreQuery): Promise<Start> {
  const { tail, from, afterSeq = 0 } = query;
  if (tail !== undefined) {
    const start = await startOfTail(known, { ...query, tail });
    return { ...start, seq: Math.max(start.seq, afterSeq) };
  }
  if (from !== undefined) return startBehind(known, from, afterSeq);
  const start = startOfTime(known, query);
  return { ...start, from: { stdout: 0, stderr: 0 } };
}

/** The last mark that has everything which is asked for behind it. */
function startOfTime(known: SandboxLog, { since, afterSeq = 0 }: StoreQuery): Omit<Start, 'from'> {
  return placesOf(known).reduce(
    (start, { segment, mark }) => {
      const isOld = since !== undefined && mark.time < since;
      if (!isOld && mark.seq > afterSeq) return start;
      // What was lost before an old place is old itself, and not missed.
      return { segment, position: mark.position, seq: isOld ? Math.max(mark.seq, afterSeq) : afterSeq };
    },
    frontOf(known, afterSeq),
  );
}

/**
 * The same for bytes of each stream. A mark tells only of both together; who has seen them in about the order of the log, as
 * everybody has, finds the place at the first try.
 */
async function startBehind(known: SandboxLog, from: Offsets, afterSeq: number): Promise<Start> {
  for (const { segment, mark } of placesOf(known).reverse()) {
    if (mark.seq > from.stdout + from.stderr) continue;
    if (await isBefore(known, { segment, mark }, from))
      return { segment, position: mark.position, seq: Math.max(mark.seq, afterSeq), from };
  }
  return { ...frontOf(known, afterSeq), from };
}

/** False where it cannot be read: from an earlier place it is read, too. */
async function isBefore(known: SandboxLog, { segment, mark }: Place, from: Offsets): Promise<boolean> {
  const { length } = known.segments.find(({ number }) => number === segment) ?? { length: 0 };
  const block = await known.blocks.read(known, segment, mark.position, length).catch(() => undefined);
  const [first] = block?.records ?? [];
  if (first === undefined) return false;
  const { stdout, stderr } = offsetsBefore(first);
  return stdout <= from.stdout && stderr <= from.stderr;
}

function offsetsBefore(record: LogRecord): Offsets {
  const after = offsetsAfter(record);
  return record.kind === 'end' ? after : { ...after, [record.kind]: record.offset };
}

const frontOf = ({ segments }: SandboxLog, seq: number): Omit<Start, 'from'> => ({
  segment: segments[0]?.number ?? 0,
  position: 0,
  seq,
});

interface Place {
  segment: number;
  mark: Mark;
}

const placesOf = ({ segments }: SandboxLog): Place[] =>
  segments.flatMap(({ number, marks }) => marks.map((mark) => ({ segment: number, mark })));
