import type { Socket } from 'node:net';
import { FsbError } from '../../core/model/failure/errors.ts';
import { ConnectWords, connectArgv } from '../../core/model/guest-tool.ts';
import type { ProcessSession } from '../../core/model/process.ts';
import { startTool, type ToolPlace, whyFailed } from '../guest-tool/guest-tool.ts';

/**
 * Carries one connection to a port in the sandbox, until both sides have ended it or one has broken it. Each direction
 * ends by itself, and at its own pace.
 * @throws internal: there was no connection, or it was lost
 */
export async function forwardConnection(socket: Socket, place: ToolPlace, port: number): Promise<void> {
  let session: ProcessSession | undefined;
  // A client that breaks off needs no tool any more; its errors end in 'close'.
  let gone = false;
  socket.on('error', () => undefined);
  socket.once('close', () => {
    // One that has ended its half last leaves with bytes under way: the tool ends by itself when the server has them.
    if (socket.readableEnded && socket.writableFinished) return;
    gone = true;
    void session?.close();
  });
  try {
    session = await startTool(place, connectArgv(port), true);
    if (gone) return;
    void sendInput(socket, session);
    await deliver(session, socket);
    if (!gone) socket.end();
  } catch (error) {
    // A reset tells the client that this was no ordinary end.
    if (!gone) socket.resetAndDestroy();
    if (!gone) throw error;
  } finally {
    await session?.close();
  }
}

async function sendInput(socket: Socket, session: ProcessSession): Promise<void> {
  try {
    // Its end is only that of one direction.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await session.write(chunk);
    session.endInput();
  } catch {
    // The client has broken off, and 'close' follows.
  }
}

/** Resolves when the connection has ended in order. */
async function deliver(session: ProcessSession, socket: Socket): Promise<void> {
  const words = new ConnectWords();
  let delivered = 0;
  for await (const chunk of session.output) {
    if (chunk.stream === 'stderr') words.push(chunk.data);
    else {
      delivered += chunk.data.length;
      await sent(socket, chunk.data);
    }
    if (words.total !== undefined && delivered >= words.total) socket.end();
  }
  const status = await session.exited;
  if (status.code !== 0) throw new FsbError('internal', whyFailed(status, words.complaint));
}

/** Resolves when the socket has room again; a client that is gone takes everything. */
function sent(socket: Socket, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (!socket.writable || socket.write(data)) return resolve();
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
