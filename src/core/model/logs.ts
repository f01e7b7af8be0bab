import { FsbError } from './failure/errors.ts';
import type { StreamName } from './process.ts';

/** Bytes of one stream as the guest wrote them at one moment: whole lines, several, or a part of one. */
export interface LogEntry {
  stream: StreamName;
  /** When the core received it, milliseconds since the epoch, with a fraction. */
  time: number;
  /** Grows by the bytes of every entry of the sandbox, both streams: a reader resumes after it. */
  seq: number;
  data: Buffer;
  /** Bytes that are missing right before this entry: rotation dropped them, they could not be written, or the files have lost them. Its data is empty when nothing follows them. */
  dropped?: number;
  /** Of the entry that `position` asks for: whose log it is. */
  sandboxId?: string;
}

export interface LogQuery {
  /** Stay until the sandbox has ended and everything was delivered. */
  follow: boolean;
  /** Only the last so many lines (of the chosen streams); 0 is none of the past. */
  tail?: number;
  /** Wall clock, milliseconds; entries at or after it. */
  since?: number;
  /** Wall clock, milliseconds; entries before it. */
  until?: number;
  stdout: boolean;
  stderr: boolean;
  /** Only entries after this sequence number (resume). */
  afterSeq?: number;
  /** Only of the sandbox with this id: what was followed must not go on in the log of another one of its name. */
  sandboxId?: string;
  /** Begin with an entry without data, whose sequence number is where reading begins: a reader resumes after it, too. */
  position?: boolean;
}

export const wholeLog: LogQuery = { follow: false, stdout: true, stderr: true };

/** Bytes. */
const SMALLEST_LOG = 1_048_576;

/** @param bytes of the log that is kept of each sandbox @throws invalid_argument */
export function assertLogSize(bytes: number): void {
  if (bytes >= SMALLEST_LOG) return;
  throw new FsbError('invalid_argument', `a log of ${bytes} bytes for each sandbox is too small`, {
    hint: 'It takes at least 1m.',
  });
}
