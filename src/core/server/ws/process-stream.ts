import { FsbError } from '../../model/errors.ts';
import type { OutputChunk, ProcessSession, StreamName } from '../../model/process.ts';
import {
  channels,
  encodeFrame,
  encodeJson,
  encodePosition,
  INPUT_WINDOW,
  PIECE,
} from '../../wire/stream/frames.ts';
import type { Connection } from './connection.ts';
import { ProcessInput } from './process-input.ts';

/** Carries one process session over a connection, until the process has ended or the client has left. */
export async function serveProcess(
  connection: Connection,
  open: (signal: AbortSignal) => Promise<ProcessSession>,
): Promise<void> {
  const opening = open(connection.closed);
  const input = new ProcessInput(connection, opening);
  connection.onFrame((frame) => input.handle(frame));
  let session: ProcessSession | undefined;
  try {
    session = await opening;
    letGoWhenClosed(connection, session);
    if (connection.own) connection.send(encodeJson(channels.started, { window: INPUT_WINDOW }));
    await sendOutput(connection, session);
    if (!connection.closed.aborted) connection.end({ kind: 'exit', status: await session.exited });
  } catch (error) {
    connection.end({ kind: 'error', error: FsbError.from(error) });
  } finally {
    await session?.close();
  }
}

// The output of a client that vanished may never come: closing the session is what ends the loop below.
function letGoWhenClosed(connection: Connection, session: ProcessSession): void {
  const letGo = (): void => {
    session.close().catch(() => {});
  };
  // Nobody waits for the status of a client that left, and its rejection is nobody's news.
  session.exited.catch(() => {});
  if (connection.closed.aborted) letGo();
  else connection.closed.addEventListener('abort', letGo, { once: true });
}

async function sendOutput(connection: Connection, session: ProcessSession): Promise<void> {
  const next: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  for await (const chunk of session.output) {
    if (connection.closed.aborted) return;
    if (connection.own && chunk.offset !== next[chunk.stream])
      connection.send(encodePosition(chunk.stream, chunk.offset));
    next[chunk.stream] = chunk.offset + chunk.data.length;
    await sendChunk(connection, chunk);
  }
}

async function sendChunk(connection: Connection, { stream, data }: OutputChunk): Promise<void> {
  for (let at = 0; at < data.length; at += PIECE)
    await connection.sendCredited(encodeFrame(channels[stream], data.subarray(at, at + PIECE)));
}
