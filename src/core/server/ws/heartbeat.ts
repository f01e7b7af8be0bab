import type { WebSocket } from 'ws';
import type { Clock } from '../../model/clock.ts';

export const HEARTBEAT_MS = 15_000;
/** So many unanswered pings in a row, and a TCP client is taken for dead. */
const MISSED_PINGS = 4;

/**
 * Pings every 15 seconds, so that idle streams survive what sits between, and so that a client whose machine vanished
 * is noticed. On a unix socket the kernel tells when the client is gone; there silence means that it was stopped
 * (ctrl-Z), and it is left in peace. The same for a socket that is full of unread output.
 */
export function keepAlive(ws: WebSocket, clock: Clock, transport: 'unix' | 'tcp'): void {
  let missed = 0;
  let cancel = clock.after(HEARTBEAT_MS, beat);
  function beat(): void {
    if (transport === 'tcp' && missed >= MISSED_PINGS && ws.bufferedAmount === 0 && !ws.isPaused) {
      ws.terminate();
      return;
    }
    missed += 1;
    ws.ping();
    cancel = clock.after(HEARTBEAT_MS, beat);
  }
  const alive = (): void => {
    missed = 0;
  };
  ws.on('pong', alive);
  ws.on('message', alive);
  ws.on('close', () => cancel());
}
