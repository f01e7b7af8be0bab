import type { Logger } from 'pino';
import type { StreamName } from '../model/process.ts';
import { type LogRecord, offsetsAfter } from './record.ts';
import { readBlock, type Segment, scanSegment, segmentNumbers, segmentSize } from './segment.ts';

/**
 * What this process knows about the log of one sandbox, shared by its writer and its readers. The writer changes it
 * and wakes the readers; they read the files up to what it says.
 */
export interface SandboxLog {
  readonly id: string;
  readonly directory: string;
  /** Oldest first. */
  segments: Segment[];
  offsets: Record<StreamName, number>;
  /** Whether the last byte of each stream ended a line; unknown after a restart that did not see it counts as no. */
  atLineStart: Record<StreamName, boolean>;
  /** Bytes of both streams. */
  seq: number;
  ended: boolean;
  removed: boolean;
  /** Woken at every change of the above. */
  readonly changed: Bell;
}

/** Wakes everyone who waits; keeps nothing for those who come later. */
class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** `wake` is called once, at the next ring, unless the returned function was called before. */
  onRing(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

/** What recovery found behind the last whole record, for the writer to cut off. */
export interface TornTail {
  number: number;
  validLength: number;
}

/** Reads from the files what is known of a log. Changes nothing on disk. */
export async function loadLog(
  id: string,
  directory: string,
  log: Logger,
): Promise<{ known: SandboxLog; torn: TornTail[] }> {
  const known: SandboxLog = {
    id,
    directory,
    segments: [],
    offsets: { stdout: 0, stderr: 0 },
    atLineStart: { stdout: true, stderr: true },
    seq: 0,
    ended: false,
    removed: false,
    changed: new Bell(),
  };
  const numbers = await segmentNumbers(directory);
  const torn: TornTail[] = [];
  // From the newest back to one that holds a record: a rotation may have been cut short before its first one.
  while (numbers.length > 0 && !(await recoverLast(known, numbers.pop()!, torn)));
  for (const number of numbers.reverse()) await addOlder(known, number, log);
  if (torn.length > 0)
    log.warn({ sandbox: id, torn }, 'a log ends with bytes that are no record; they are left out');
  return { known, torn };
}

async function recoverLast(known: SandboxLog, number: number, torn: TornTail[]): Promise<boolean> {
  let first: LogRecord | undefined;
  let last: LogRecord | undefined;
  const lineStart: Partial<Record<StreamName, boolean>> = {};
  const { validLength, size } = await scanSegment(known.directory, number, (record) => {
    first ??= record;
    last = record;
    if (record.kind !== 'end') lineStart[record.kind] = endsLine(record.data);
  });
  if (validLength < size || last === undefined)
    torn.push({ number, validLength: last === undefined ? 0 : validLength });
  if (first === undefined || last === undefined) return false;
  known.segments.push({ number, startSeq: first.seq - first.data.length, length: validLength });
  known.seq = last.seq;
  known.offsets = offsetsAfter(last);
  known.ended = last.kind === 'end';
  known.atLineStart = {
    stdout: lineStart.stdout ?? known.offsets.stdout === 0,
    stderr: lineStart.stderr ?? known.offsets.stderr === 0,
  };
  return true;
}

async function addOlder(known: SandboxLog, number: number, log: Logger): Promise<void> {
  const length = await segmentSize(known.directory, number);
  const first = (await readBlock(known.directory, number, 0, length)).records[0];
  if (first !== undefined)
    known.segments.unshift({ number, startSeq: first.seq - first.data.length, length });
  else log.warn({ sandbox: known.id, segment: number }, 'a segment of a log is unreadable; it is left out');
}

export const endsLine = (data: Buffer): boolean => data[data.length - 1] === 0x0a;
