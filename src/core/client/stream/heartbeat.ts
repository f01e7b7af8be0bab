import type { WebSocket } from 'ws';

/** How often a core on a network is asked whether it is there, milliseconds. */
const BEAT_MS = 5000;
/** So many unanswered pings in a row, and the connection is taken for dead: sooner than the core forgets what it carried. */
const MISSED_PINGS = 2;

/**
 * Ends a connection on which nothing comes any more: a network that swallows everything says nothing. On a unix socket the
 * kernel tells when the core is gone.
 * @param beat milliseconds
 */
export function watchPeer(ws: WebSocket, beat = BEAT_MS): void {
  let missed = 0;
  const alive = (): void => {
    missed = 0;
  };
  const timer = setInterval(() => {
    if (missed >= MISSED_PINGS) return ws.terminate();
    missed += 1;
    ws.ping();
  }, beat);
  // What waits for the stream keeps the process alive, and not the look at it.
  timer.unref();
  ws.on('pong', alive);
  ws.on('message', alive);
  ws.on('close', () => clearInterval(timer));
}
