import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { LONGEST_INPUT_FRAME } from '../../wire/stream/frames.ts';
import { assertMayCall } from '../http/guard.ts';
import type { Upgrade } from '../http/http-server.ts';
import { refuseUpgrade, urlOf } from '../http/respond.ts';
import { SocketCarrier } from './carrier.ts';
import { Connection } from './connection.ts';
import { keepAlive } from './heartbeat.ts';
import { HeldStreams } from './held-streams.ts';
import type { StreamedCore } from './serve.ts';
import { streamOfRequest } from './streams.ts';
import { assertSpoken, chooseProtocol } from './subprotocol.ts';

/** A client that does not answer a close is cut off after this. */
const CLOSE_TIMEOUT_MS = 2000;

export interface StreamServer {
  /** The handler of upgrade requests for one listener. */
  upgrade(transport: 'unix' | 'tcp'): Upgrade;
  /** Refuses new streams and ends the open ones with 1001; cuts off what is left after `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>;
}

export function streamServer(core: StreamedCore, clock: Clock, log: Logger): StreamServer {
  // No compression: it costs more than a local socket saves, and memory for each connection.
  const options = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LONGEST_INPUT_FRAME,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: chooseProtocol,
  };
  const server = new WebSocketServer(options);
  const connections = new Set<Connection>();
  let goingAway = false;

  const held = new HeldStreams(clock);

  /** What to do with the connection. @throws not_found, invalid_argument, conflict */
  const take = (request: IncomingMessage, transport: 'unix' | 'tcp'): ((socket: SocketCarrier) => void) => {
    const goOn = held.toGoOn(urlOf(request));
    if (goOn !== undefined) return (socket) => goOn.carrier.goOn(socket, goOn.received);
    const stream = streamOfRequest(request);
    const { resume } = stream;
    if (resume !== undefined) held.assertFree(resume);
    return (socket) => {
      const linked = resume !== undefined && socket.own ? held.hold(resume, transport) : undefined;
      const connection = new Connection(linked ?? socket, stream.window, clock);
      linked?.begin(socket);
      connections.add(connection);
      connection.closed.addEventListener('abort', () => connections.delete(connection));
      stream
        .serve(connection, core)
        .catch((error: unknown) => log.error({ err: error }, 'a stream ended badly'));
    };
  };

  const upgrade =
    (transport: 'unix' | 'tcp'): Upgrade =>
    (request, socket, head) => {
      try {
        if (goingAway) throw new FsbError('unavailable', 'the core is going away');
        assertMayCall(request, transport);
        assertSpoken(request);
        const serve = take(request, transport);
        server.handleUpgrade(request, socket, head, (ws) => {
          keepAlive(ws, clock, transport);
          serve(new SocketCarrier(ws));
        });
      } catch (error) {
        refuseUpgrade(socket, FsbError.from(error));
      }
    };

  return {
    upgrade,
    async close(graceMs) {
      goingAway = true;
      for (const connection of connections) connection.goAway('the core is going away');
      held.close();
      const cancel = clock.after(graceMs, () => {
        for (const ws of server.clients) ws.terminate();
      });
      await Promise.all([...server.clients].map((ws) => new Promise((resolve) => ws.once('close', resolve))));
      cancel();
    },
  };
}
