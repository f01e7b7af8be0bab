import type { FsbError } from '../model/failure/errors.ts';
import type { LogRecord } from './record.ts';

/** What one write takes at most, so that its buffer stays small however much is waiting. */
const RECORDS_PER_WRITE = 1024;
const BYTES_PER_WRITE = 1_048_576;

/** What waits for one round of writing, and the promise that all who wait for it share. */
export class Batch {
  readonly records: LogRecord[] = [];
  readonly written: Promise<void>;
  resolve!: () => void;
  reject!: (error: FsbError) => void;

  constructor() {
    this.written = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Those of the records, from one on, that go into one write. */
export function nextWrite(records: readonly LogRecord[], from: number): LogRecord[] {
  let bytes = 0;
  let to = from;
  while (to < records.length && to - from < RECORDS_PER_WRITE && bytes < BYTES_PER_WRITE)
    bytes += records[to++]!.data.length;
  return records.slice(from, to);
}
