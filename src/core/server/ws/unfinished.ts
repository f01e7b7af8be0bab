import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { BUFFER_OVERHEAD } from '../../wire/stream/kept-frames.ts';

/** A part of a message is here, which its library keeps until the rest has come. */
export function isMessageBegun(ws: WebSocket): boolean {
  const { _receiver } = ws as unknown as { _receiver: { _bufferedBytes: number; _fragmented: number } };
  return _receiver._bufferedBytes > 0 || _receiver._fragmented > 0;
}

/**
 * What such a part takes: all that has come since the message began, for the library keeps pieces of what the socket gave, and each
 * keeps the whole of that.
 * @param socket of `ws`, which reads it already
 * @param onTaken told how many bytes more, or less; nothing more comes when the connection has ended
 */
export function watchUnfinished(ws: WebSocket, socket: Duplex, onTaken: (bytes: number) => void): void {
  let taken = 0;
  const become = (bytes: number): void => {
    const more = bytes - taken;
    taken = bytes;
    if (more !== 0) onTaken(more);
  };
  // Before the library has looked at the rest of the piece in which the message ends.
  ws.on('message', () => become(0));
  socket.on('data', (data: Buffer) => become(isMessageBegun(ws) ? taken + data.length + BUFFER_OVERHEAD : 0));
  ws.on('close', () => become(0));
}
