import { FsbError } from '../../model/errors.ts';
import type { LogEntry } from '../../model/logs.ts';
import { channels, encodeFrame, malformed } from '../../wire/stream/frames.ts';
import { encodeLog } from '../../wire/stream/log-frame.ts';
import type { Connection } from './connection.ts';

/** Carries the entries of a log; clients without our subprotocol get the bytes alone. */
export async function serveLogs(
  connection: Connection,
  open: (signal: AbortSignal) => AsyncIterable<LogEntry>,
): Promise<void> {
  connection.onFrame(({ channel }) => {
    throw malformed(`a frame on channel ${channel} to a log`);
  });
  try {
    for await (const entry of open(connection.closed)) {
      if (connection.closed.aborted) return;
      await connection.sendCredited(
        connection.own ? encodeLog(entry) : encodeFrame(channels[entry.stream], entry.data),
      );
    }
    connection.end({ kind: 'done' });
  } catch (error) {
    connection.end({ kind: 'error', error: FsbError.from(error) });
  }
}
