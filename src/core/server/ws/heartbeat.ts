import type { WebSocket } from 'ws';
import type { Clock } from '../../model/clock.ts';
import { isMessageBegun } from './unfinished.ts';

export const HEARTBEAT_MS = 15_000;
/** So many unanswered pings in a row, and a TCP client is taken for dead. */
const MISSED_PINGS = 4;
/** And after so many pings during which one message did not come to its end. */
const BEATS_OF_MESSAGE = 2;

/**
 * Pings every 15 seconds, so that idle streams survive what sits between, and so that a client whose machine vanished
 * is noticed, and one that keeps half a message in the memory of the core. On a unix socket the kernel tells when the client is gone; there silence means that it was stopped
 * (ctrl-Z), and it is left in peace. The same for a socket that is full of unread output.
 */
export function keepAlive(ws: WebSocket, clock: Clock, transport: 'unix' | 'tcp'): void {
  let missed = 0;
  let unfinished = 0;
  let cancel = clock.after(HEARTBEAT_MS, beat);
  function beat(): void {
    if (transport === 'tcp' && missed >= MISSED_PINGS && ws.bufferedAmount === 0 && !ws.isPaused) {
      ws.terminate();
      return;
    }
    missed += 1;
    if (transport === 'tcp' && isMessageBegun(ws) && !ws.isPaused) unfinished += 1;
    if (unfinished > BEATS_OF_MESSAGE) {
      ws.terminate();
      return;
    }
    ws.ping();
    cancel = clock.after(HEARTBEAT_MS, beat);
  }
  const alive = (): void => {
    missed = 0;
  };
  ws.on('pong', alive);
  ws.on('message', () => {
    unfinished = 0;
    alive();
  });
  ws.on('close', () => cancel());
}
