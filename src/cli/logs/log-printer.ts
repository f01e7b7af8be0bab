import { isUtf8 } from 'node:buffer';
import { LineStamper, preciseTimestamp } from '../../core/model/line-stamper.ts';
import type { LogEntry } from '../../core/model/logs.ts';
import type { StreamName } from '../../core/model/process.ts';
import { tellDropped, write } from '../terminal/streams.ts';
import type { Terminal } from '../terminal/world.ts';

/** Writes a log to where it came from: the guest's stdout to ours, its stderr to ours. @returns whether there was anything */
export async function printLog(
  entries: AsyncIterable<LogEntry>,
  timestamps: boolean,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  const stamp = new LineStamper();
  let isEmpty = true;
  for await (const entry of entries) {
    isEmpty = false;
    if (entry.dropped) await tellDropped(terminal.stderr, entry.dropped);
    await write(terminal[entry.stream], timestamps ? stamp.push(entry) : entry.data, signal);
  }
  return !isEmpty;
}

/** An entry of `logs -o json`, one a line. `text` is null when the bytes are no UTF-8; `base64` holds them then. */
export interface LogEntryView {
  time: string;
  stream: StreamName;
  seq: number;
  text: string | null;
  base64: string | null;
  dropped: number;
}

export function logEntryView(entry: LogEntry): LogEntryView {
  const readable = isUtf8(entry.data);
  return {
    time: preciseTimestamp(entry.time),
    stream: entry.stream,
    seq: entry.seq,
    text: readable ? entry.data.toString('utf8') : null,
    base64: readable ? null : entry.data.toString('base64'),
    dropped: entry.dropped ?? 0,
  };
}
