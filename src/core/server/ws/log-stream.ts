import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { LineStamper } from '../../model/line-stamper.ts';
import type { LogEntry, LogQuery } from '../../model/logs.ts';
import { channels, malformed } from '../../wire/stream/frames.ts';
import { encodeLog, encodeLogBegin } from '../../wire/stream/log-frame.ts';
import { logsFromQuery, wantsTimestamps } from '../../wire/stream/stream-query.ts';
import type { Connection } from './connection.ts';
import { sendPieces } from './process-stream.ts';

/** Entries of the log of something. */
export type OpenLog = (query: LogQuery, options: CallOptions) => AsyncIterable<LogEntry>;

/** Carries the entries of a log; clients without our subprotocol get the bytes alone. */
export async function serveLogs(
  connection: Connection,
  open: OpenLog,
  search: URLSearchParams,
): Promise<void> {
  connection.onFrame(({ channel }) => {
    throw malformed(`a frame on channel ${channel} to a log`);
  });
  const signal = connection.closed;
  try {
    const query = logsFromQuery(search);
    const entries = (more: Partial<LogQuery>): AsyncIterable<LogEntry> =>
      open({ ...query, ...more }, { signal });
    if (!connection.own) await sendBytes(connection, entries({}), wantsTimestamps(search));
    else await sendPlaced(connection, entries({ position: true }));
    connection.end({ kind: 'done' });
  } catch (error) {
    connection.end({ kind: 'error', error: FsbError.from(error) });
  }
}

async function send(connection: Connection, entries: AsyncIterable<LogEntry>): Promise<void> {
  for await (const entry of entries) {
    if (connection.closed.aborted) return;
    await connection.sendCredited(encodeLog(entry));
  }
}

async function sendBytes(
  connection: Connection,
  entries: AsyncIterable<LogEntry>,
  timestamps: boolean,
): Promise<void> {
  const stamper = new LineStamper();
  for await (const entry of entries) {
    if (connection.closed.aborted) return;
    await sendPieces(connection, channels[entry.stream], timestamps ? stamper.push(entry) : entry.data);
  }
}

/** Tells first where reading begins: a client whose connection breaks before anything came must not begin elsewhere. */
async function sendPlaced(connection: Connection, entries: AsyncIterable<LogEntry>): Promise<void> {
  const iterator = entries[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return;
  const { sandboxId, seq } = first.value;
  if (sandboxId !== undefined) connection.send(encodeLogBegin({ sandboxId, afterSeq: seq }));
  await send(connection, { [Symbol.asyncIterator]: () => iterator });
}
