import { once } from 'node:events';
import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { abortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { throwIfAborted } from '../../model/failure/errors.ts';
import type { Door } from '../door.ts';
import { listen } from '../listen.ts';
import type { Protocol } from '../metrics/traffic.ts';
import { HEADERS_TO_KEEP } from './foreign-page.ts';

/** Milliseconds for the rest of a body after the answer; what comes of it is dropped. */
const REST_TIME = 30_000;

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface HttpListener {
  /** The real address. */
  address: string;
  /** Stops accepting, gives open requests `graceMs`, then cuts them off; a unix socket's file is gone. Idempotent. */
  close(graceMs: number): Promise<void>;
}

// No requestTimeout: it would cut a long upload, also one that waits for its turn. Who reads a body has a deadline.
const LIMITS = {
  headersTimeout: 10_000,
  // How often that is looked at; with Node's own half minute a head would have forty seconds.
  connectionsCheckingInterval: 2_000,
  requestTimeout: 0,
  keepAliveTimeout: 5000,
  maxHeaderSize: 16 * 1024,
  // Who waits, or follows what says nothing, is to be missed when its machine has vanished: the kernel asks.
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
};

/** A client may offer other protocols with any question (`curl --http2`), and is answered as if it had not. */
class Question extends IncomingMessage {
  /** Nothing private: it is set by the constructor of what this extends, too. */
  declare private offers: boolean;

  /** Set before the headers are there, and asked for after that. */
  set upgrade(offers: boolean) {
    this.offers = offers;
  }

  get upgrade(): boolean {
    return this.offers && (this.method === 'CONNECT' || this.headers.upgrade?.toLowerCase() === 'websocket');
  }
}

/** @throws unavailable when the address cannot be had */
export async function listenHttp(
  door: Door,
  handle: RequestListener,
  clock: Clock,
  upgrade?: Upgrade,
  protocol: Protocol = 'http',
): Promise<HttpListener> {
  const server = serverBehind(door, (request, response) => {
    endWithSocket(request, response);
    response.once('finish', () => {
      cutEndless(request, clock);
      // Nobody is to ask a core again that is going away, over a connection that it has kept.
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    handle(request, response);
  });
  server.maxHeadersCount = HEADERS_TO_KEEP;
  door.watch(server, protocol);
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  const address = await listen(server, door.endpoint);
  return { address, close: (graceMs) => shutDown(server, clock, graceMs) };
}

function serverBehind(door: Door, handle: RequestListener): Server {
  if (!door.isSecure) return createServer({ ...LIMITS, IncomingMessage: Question }, handle);
  const server = createSecureServer({ ...LIMITS, ...door.tlsOptions, IncomingMessage: Question }, handle);
  door.guard(server);
  return server;
}

/**
 * An answer whose turn has not come, behind others of its connection, has no socket yet, and is not told of its end: whoever
 * works on it would go on for ever.
 */
function endWithSocket({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const end = (): void => {
    response.destroy();
    response.emit('close');
  };
  // One for each that waits.
  socket.setMaxListeners(0);
  socket.once('close', end);
  response.once('socket', () => socket.off('close', end));
}

/**
 * Resolves when the answers before it, of the same connection, have ended: what is sent in one go is done in its order, and one
 * answer of a connection is made at a time, however many were asked for. @throws the reason of `gone`
 */
export async function turnOf(response: ServerResponse, gone: AbortSignal): Promise<void> {
  throwIfAborted(gone);
  if (response.socket === null) await abortable(once(response, 'socket'), gone);
}

/** A client that goes on sending after its answer would have its connection for ever. */
function cutEndless(request: IncomingMessage, clock: Clock): void {
  if (request.complete) return;
  const cancel = clock.after(REST_TIME, () => request.destroy());
  request.once('close', cancel);
}

function shutDown(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
