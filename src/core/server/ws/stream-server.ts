import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../model/clock.ts';
import type { Descriptors } from '../../model/failure/descriptors.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { traced } from '../../model/trace.ts';
import { LONGEST_INPUT_FRAME } from '../../wire/stream/frames.ts';
import type { Visit } from '../auth/entrance.ts';
import type { BodyRoom } from '../body-room.ts';
import type { Door } from '../door.ts';
import { assertNoForeignPage, visitOf } from '../http/foreign-page.ts';
import type { Upgrade } from '../http/http-server.ts';
import { HttpRefusal, refuseUpgrade, urlOf } from '../http/respond.ts';
import type { Traffic } from '../metrics/traffic.ts';
import { SocketCarrier } from './carrier.ts';
import { Connection } from './connection.ts';
import { keepAlive } from './heartbeat.ts';
import { HeldStreams } from './held-streams.ts';
import { StreamRoom, streamMemory } from './stream-room.ts';
import { streamOfRequest } from './stream-routes.ts';
import { assertSpoken, bearerOffered, chooseProtocol } from './subprotocol.ts';
import { MOST_FRAGMENTS, WordedSocket } from './worded-socket.ts';

/** A client that does not answer a close is cut off after this. */
const CLOSE_TIMEOUT_MS = 2000;

export interface StreamServer {
  /** The handler of upgrade requests for one listener. */
  upgrade(door: Door): Upgrade;
  /** Refuses new streams and ends the open ones with 1001; cuts off what is left after `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>;
}

export interface StreamServerOptions {
  traffic: Traffic;
  clock: Clock;
  log: Logger;
  /** Memory for long messages, which they share with the bodies of calls. */
  bodies: BodyRoom;
  /** Left out: nobody watches them. */
  descriptors?: Descriptors;
  /** Memory for what all streams hold, bytes; left out: what fits that of the process. */
  memory?: number;
}

export function streamServer(parts: StreamServerOptions): StreamServer {
  const { traffic, clock, log, bodies, descriptors, memory = streamMemory() } = parts;
  // No compression: it costs more than a local socket saves, and memory for each connection.
  const options = {
    noServer: true,
    WebSocket: WordedSocket,
    perMessageDeflate: false,
    maxPayload: LONGEST_INPUT_FRAME,
    maxFragments: MOST_FRAGMENTS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: chooseProtocol,
  };
  const server = new WebSocketServer(options);
  server.on('wsClientError', (error, socket) => refuseUpgrade(socket, noWebSocket(error)));
  const connections = new Set<Connection>();
  let goingAway = false;

  const room = new StreamRoom(memory, bodies);
  const held = new HeldStreams(clock, room.most / 2);

  /** What to do with the connection. @throws not_found, invalid_argument, conflict, no_capacity */
  const take = (
    request: IncomingMessage,
    door: Door,
    { core, caller, whileKnown }: Visit,
  ): ((ws: WebSocket, socket: Duplex) => void) => {
    const goOn = held.toGoOn(urlOf(request), caller.name);
    if (goOn !== undefined)
      return (ws, socket) =>
        goOn.carrier.goOn(new SocketCarrier(ws, socket, goOn.carrier.share), goOn.received);
    countRefused(door, () => room.assertForOne(caller));
    const stream = streamOfRequest(request);
    const { resume } = stream;
    if (resume !== undefined) held.assertFree(resume);
    return (ws, socket) => {
      const share = room.open(caller);
      const first = new SocketCarrier(ws, socket, share);
      const linked =
        resume !== undefined && first.own
          ? held.hold(resume, caller.name, door.endpoint.kind, share)
          : undefined;
      if (linked === undefined) ws.once('close', () => share.close());
      const connection = new Connection(linked ?? first, stream.window, clock);
      linked?.begin(first);
      connections.add(connection);
      traffic.streams += 1;
      const leave = whileKnown((error) => connection.end({ kind: 'error', error }));
      connection.closed.addEventListener('abort', () => {
        connections.delete(connection);
        traffic.streams -= 1;
        leave();
      });
      traced(`stream ${stream.name}`, () => stream.serve(connection, core), {
        kind: 'server',
        parent: request.headers.traceparent?.toString(),
      }).catch((error: unknown) => log.error({ err: error }, 'a stream ended badly'));
    };
  };

  const upgrade =
    (door: Door): Upgrade =>
    (request, socket, head) => {
      try {
        if (goingAway) throw new FsbError('unavailable', 'the core is going away');
        assertNoForeignPage(request, door);
        countRefused(door, () => {
          descriptors?.assertFor('stream');
          door.assertRoomForStream();
        });
        const visit = visitOf(
          request,
          door,
          'stream',
          request.headers.authorization ?? bearerOffered(request),
        );
        assertSpoken(request);
        const serve = take(request, door, visit);
        server.handleUpgrade(request, socket, head, (ws) => {
          keepAlive(ws, clock, door.endpoint.kind);
          serve(ws, socket);
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

/** What the library does not take, it would refuse with a page of HTML. */
const noWebSocket = ({ message }: Error): FsbError =>
  new HttpRefusal(400, `this is no upgrade to a WebSocket: ${message}`, {
    // Those that the library knows: RFC 6455 wants a client told.
    headers: { 'sec-websocket-version': '13, 8' },
  });

/** @throws what `check` throws */
function countRefused(door: Door, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw door.refuse(FsbError.from(error));
  }
}
