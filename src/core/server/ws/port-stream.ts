import { FsbError } from '../../model/failure/errors.ts';
import { ConnectWords, reasonOf } from '../../model/guest-tool.ts';
import type { ProcessSession } from '../../model/process.ts';
import { channels, encodeFrame } from '../../wire/stream/frames.ts';
import type { Connection } from './connection.ts';
import { type Deliver, type Open, sendPieces, serveProcess } from './process-stream.ts';

/** Carries one connection to a port in a sandbox, for clients that speak the superset. @param open the tool `connect` */
export const servePort = (connection: Connection, open: Open): Promise<void> =>
  serveProcess(connection, open, deliverWhole, false);

const deliverWhole: Deliver = async (connection, session) => {
  await deliverPort(connection, session, channels.stdout, () =>
    connection.send(encodeFrame(channels.close, Buffer.of(channels.stdout))),
  );
  return { kind: 'done' };
};

/**
 * @param channel for what comes from the port
 * @param onHalfClosed called once, when everything was delivered that will ever come
 * @throws conflict (nothing listens there), internal (the connection was lost)
 */
export async function deliverPort(
  connection: Connection,
  session: ProcessSession,
  channel: number,
  onHalfClosed: () => void,
): Promise<void> {
  const words = new ConnectWords();
  let missing = Number.POSITIVE_INFINITY;
  let delivered = 0;
  for await (const { stream, data } of session.output) {
    if (connection.closed.aborted) return;
    if (stream === 'stderr') words.push(data);
    else {
      await sendPieces(connection, channel, data);
      delivered += data.length;
    }
    const isOpen = missing > 0;
    missing = (words.total ?? Number.POSITIVE_INFINITY) - delivered;
    if (isOpen && missing <= 0) onHalfClosed();
  }
  if (!connection.closed.aborted) await assertEndedWell(session, words);
}

async function assertEndedWell(session: ProcessSession, { complaint }: ConnectWords): Promise<void> {
  const status = await session.exited;
  if (status.code === 0) return;
  const reason = reasonOf(status, complaint);
  throw new FsbError(reason.startsWith('cannot connect') ? 'conflict' : 'internal', reason);
}
