import type { LogQuery } from '../model/logs.ts';
import type { StreamName } from '../model/process.ts';
import type { StoredEntry } from './log-store.ts';
import type { LogRecord } from './record.ts';

/** Which bytes of a log a reader wants, decided from where it starts. */
export interface Start {
  /** Segment to begin with, or the next one that is still there. */
  segment: number;
  /** Byte in that segment where a record begins; 0: its front. */
  position: number;
  /** Bytes of the log that the reader does not expect to see any more: everything between this and what it sees is lost. */
  seq: number;
  /** For each stream, bytes before this offset are not wanted. */
  from: Record<StreamName, number>;
}

/** True when the query asks for this record by its stream and time. */
export function selects(query: LogQuery, record: LogRecord): boolean {
  if (record.kind === 'end') return false;
  if (record.kind === 'stdout' ? !query.stdout : !query.stderr) return false;
  return record.time >= (query.since ?? Number.NEGATIVE_INFINITY) && record.time < (query.until ?? Infinity);
}

/** Turns records, in order, into the entries that a query asks for, and accounts for what is missing between them. */
export class Selection {
  readonly #query: LogQuery;
  readonly #from: Record<StreamName, number>;
  /** Everything up to here was seen or is accounted for. */
  seq: number;
  #dropped = 0;

  constructor(query: LogQuery, start: Start) {
    this.#query = query;
    this.#from = start.from;
    this.seq = start.seq;
  }

  /** The part of the record that is wanted and new; undefined when there is none. */
  take(record: LogRecord): StoredEntry | undefined {
    const begin = record.seq - record.data.length;
    const isOld = record.time < (this.#query.since ?? Number.NEGATIVE_INFINITY);
    // What was lost before a record that is too old is too old itself: nobody asked for it.
    this.#dropped = isOld ? 0 : this.#dropped + Math.max(0, begin - this.seq);
    const known = Math.max(0, this.seq - begin);
    this.seq = Math.max(this.seq, record.seq);
    if (record.kind === 'end' || record.data.length === 0) return this.#lostBefore(record);
    if (!selects(this.#query, record)) return undefined;
    const skip = Math.max(known, this.#from[record.kind] - record.offset);
    if (skip >= record.data.length) return undefined;
    const entry: StoredEntry = {
      stream: record.kind,
      time: record.time,
      seq: record.seq,
      offset: record.offset + Math.max(0, skip),
      data: skip > 0 ? record.data.subarray(skip) : record.data,
    };
    if (this.#dropped > 0) entry.dropped = this.#dropped;
    this.#dropped = 0;
    return entry;
  }

  /** Perhaps nothing comes behind it, for long or ever, that could tell what is missing. */
  #lostBefore({ time, seq, offset, data }: LogRecord): StoredEntry | undefined {
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped === 0) return undefined;
    return this.#query.stdout
      ? { stream: 'stdout', time, seq, offset, data, dropped }
      : { stream: 'stderr', time, seq, offset: seq - offset, data, dropped };
  }
}
