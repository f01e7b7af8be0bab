import { noop } from '../../model/async/noop.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { OutputChunk, ProcessSession, StreamName } from '../../model/process.ts';
import { channels, encodeFrame, encodePosition, PIECE } from '../../wire/stream/frames.ts';
import { encodeStarted } from '../../wire/stream/started.ts';
import type { StreamEnd } from '../../wire/stream/stream-end.ts';
import type { Connection } from './connection.ts';
import { ProcessInput } from './process-input.ts';

export type Open = (signal: AbortSignal) => Promise<ProcessSession>;
/** Carries the output of a session, until it has ended or the client has left. */
export type Deliver = (connection: Connection, session: ProcessSession) => Promise<StreamEnd>;

/**
 * Carries one process session over a connection, until the process has ended or the client has left.
 * @param mayControl whether the client may send sizes and signals
 */
export async function serveProcess(
  connection: Connection,
  open: Open,
  deliver: Deliver,
  mayControl = true,
): Promise<void> {
  const opening = open(connection.closed);
  const input = new ProcessInput(connection, opening, mayControl);
  connection.onFrame((frame) => input.handle(frame));
  try {
    const end = await whileOpen(connection, opening, (session) => {
      if (connection.own) connection.send(encodeStarted(session.place));
      return deliver(connection, session);
    });
    connection.end(end);
  } catch (error) {
    connection.end({ kind: 'error', error: FsbError.from(error) });
  }
}

/** Uses a session that is let go of at the end, and as soon as the client has left. */
export async function whileOpen<T>(
  connection: Connection,
  opening: Promise<ProcessSession>,
  use: (session: ProcessSession) => Promise<T>,
): Promise<T> {
  const session = await opening;
  try {
    letGoWhenClosed(connection, session);
    return await use(session);
  } finally {
    await session.close();
  }
}

// The output of a client that vanished may never come: closing the session is what ends the loop below.
function letGoWhenClosed(connection: Connection, session: ProcessSession): void {
  const letGo = (): void => {
    session.close().catch(noop);
  };
  // Nobody waits for the status of a client that left, and its rejection is nobody's news.
  session.exited.catch(noop);
  if (connection.closed.aborted) letGo();
  else connection.closed.addEventListener('abort', letGo, { once: true });
}

/** What a process writes, of the streams that are wanted; what is written to the others is dropped. */
export const deliverOutput =
  (wanted: ReadonlySet<StreamName>): Deliver =>
  async (connection, session) => {
    const next: Record<StreamName, number> = { stdout: 0, stderr: 0 };
    for await (const chunk of session.output) {
      if (connection.closed.aborted) return { kind: 'done' };
      if (wanted.has(chunk.stream)) await deliverChunk(connection, chunk, next);
    }
    return connection.closed.aborted ? { kind: 'done' } : { kind: 'exit', status: await session.exited };
  };

async function deliverChunk(
  connection: Connection,
  { stream, offset, data }: OutputChunk,
  next: Record<StreamName, number>,
): Promise<void> {
  if (connection.own && offset !== next[stream]) connection.send(encodePosition(stream, offset));
  next[stream] = offset + data.length;
  await sendPieces(connection, channels[stream], data);
}

export async function sendPieces(connection: Connection, channel: number, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; at += PIECE)
    await connection.sendCredited(encodeFrame(channel, data.subarray(at, at + PIECE)));
}
