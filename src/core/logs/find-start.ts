import type { LogQuery } from '../model/logs.ts';
import type { SandboxLog } from './sandbox-log.ts';
import type { Mark } from './segment-index.ts';
import type { Start } from './selection.ts';
import { startOfTail } from './tail.ts';

/** Where to begin reading for a query; found by the marks, so that what comes before is not read. */
export async function findStart(known: SandboxLog, query: LogQuery): Promise<Start> {
  const { tail, afterSeq = 0 } = query;
  if (tail !== undefined) {
    const start = await startOfTail(known, { ...query, tail });
    return { ...start, seq: Math.max(start.seq, afterSeq) };
  }
  const start = startOfTime(known, query);
  return { ...start, from: { stdout: 0, stderr: 0 } };
}

/** The last mark that has everything which is asked for behind it. */
function startOfTime(known: SandboxLog, { since, afterSeq = 0 }: LogQuery): Omit<Start, 'from'> {
  const front = { segment: known.segments[0]?.number ?? 0, position: 0, seq: afterSeq };
  return placesOf(known).reduce((start, { segment, mark }) => {
    const isOld = since !== undefined && mark.time < since;
    if (!isOld && mark.seq > afterSeq) return start;
    // What was lost before an old place is old itself, and not missed.
    return { segment, position: mark.position, seq: isOld ? Math.max(mark.seq, afterSeq) : afterSeq };
  }, front);
}

interface Place {
  segment: number;
  mark: Mark;
}

const placesOf = ({ segments }: SandboxLog): Place[] =>
  segments.flatMap(({ number, marks }) => marks.map((mark) => ({ segment: number, mark })));
