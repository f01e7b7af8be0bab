import { type ClientOptions, WebSocket } from 'ws';
import { FsbError } from '../../model/failure/errors.ts';
import { traceHeaders } from '../../model/trace.ts';
import { hostInUrl } from '../../wire/endpoint.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { decodeFrame, LONGEST_OUTPUT_FRAME, subprotocols } from '../../wire/stream/frames.ts';
import { refusalOf } from '../refusal.ts';
import { authorizationFor, type Target, tlsOptionsFor } from '../security.ts';
import { unreachable } from '../unreachable.ts';
import {
  brokenStream,
  CLOSE_TIMEOUT_MS,
  type FrameSocket,
  HANDSHAKE_TIMEOUT_MS,
  type SocketEvents,
} from './frame-socket.ts';
import { watchPeer } from './heartbeat.ts';

/** What the library calls a connection that nobody closed. */
const BROKEN = 1006;

type TcpTarget = Target & { kind: 'tcp' };

/** A stream over TCP, with TLS or without, by the library. @throws as openSocket */
export async function openWebSocket(
  endpoint: TcpTarget,
  path: string,
  events: SocketEvents,
  signal?: AbortSignal,
): Promise<FrameSocket> {
  const ws = new WebSocket(urlOf(endpoint, path), subprotocols.own, socketOptions(endpoint));
  const socket = frameSocket(ws);
  const abort = (): void => ws.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  let isOpen = false;
  ws.once('open', () => {
    isOpen = true;
    watchPeer(ws);
  });
  // From the start: the core may refuse so fast that the socket is closed before the code below runs on.
  ws.on('close', (code, reason) => {
    if (isOpen) events.onEnd(brokenStream(reason.toString()), code === BROKEN);
  });
  ws.on('message', (message: Buffer) => {
    try {
      events.onFrame(decodeFrame(message));
    } catch (error) {
      ws.close(closeCodes.protocol);
      events.onEnd(FsbError.from(error), false);
    }
  });
  try {
    await opened(ws, endpoint);
  } catch (error) {
    if (signal?.aborted) throw FsbError.from(signal.reason);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return socket;
}

function socketOptions(endpoint: TcpTarget): ClientOptions {
  const options = {
    perMessageDeflate: false,
    maxPayload: LONGEST_OUTPUT_FRAME,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...tlsOptionsFor(endpoint),
    headers: { ...authorizationFor(endpoint), ...traceHeaders() },
  };
  return options as ClientOptions;
}

function urlOf(endpoint: TcpTarget, path: string): string {
  const scheme = endpoint.security?.tls === undefined ? 'ws' : 'wss';
  return `${scheme}://${hostInUrl(endpoint.host)}:${endpoint.port}${path}`;
}

function opened(ws: WebSocket, endpoint: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    ws.once('open', resolve);
    ws.on('unexpected-response', (_request, response) => {
      refusalOf(response, response.statusCode!)
        .then(reject)
        .finally(() => ws.terminate());
    });
    // Stays for the life of the socket: later errors are followed by `close`, which is handled.
    ws.on('error', (cause) => reject(unreachable(endpoint, cause.message, cause)));
  });
}

function frameSocket(ws: WebSocket): FrameSocket {
  return {
    send(frame) {
      if (ws.readyState === WebSocket.OPEN) ws.send(frame, { binary: true });
    },
    close: () =>
      new Promise((resolve) => {
        if (ws.readyState === WebSocket.CLOSED) return resolve();
        ws.once('close', () => resolve());
        ws.close(closeCodes.done);
      }),
    destroy() {
      // What breaks without a word may come back, and is waited for.
      ws.close(closeCodes.done);
      ws.terminate();
    },
  };
}
