import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { Frame } from '../../wire/stream/frames.ts';
import type { Target } from '../security.ts';

/** A core that does not answer a close is not waited for longer. */
export const CLOSE_TIMEOUT_MS = 1000;
/** A busy core answers late, but not as late as this. */
export const HANDSHAKE_TIMEOUT_MS = 30_000;

export interface SocketEvents {
  /** What it throws breaks the stream. */
  onFrame(frame: Frame): void;
  /** Once, last: why there will be no more frames. `broken`: nobody closed it. */
  onEnd(error: FsbError, broken: boolean): void;
}

/** The client's end of one stream. */
export interface FrameSocket {
  send(frame: Buffer): void;
  /** Orderly; resolves when the socket is gone. Idempotent. */
  close(): Promise<void>;
  /** At once; the core is told, if it can be. */
  destroy(): void;
}

/**
 * @param path with query
 * @throws unavailable when the core cannot be reached; the core's own error when it refuses; the signal's reason
 */
export async function openSocket(
  endpoint: Target,
  path: string,
  events: SocketEvents,
  signal?: AbortSignal,
): Promise<FrameSocket> {
  throwIfAborted(signal);
  if (endpoint.kind === 'unix') {
    const { openUnixSocket } = await import('./unix-socket.ts');
    const socket = await openUnixSocket(endpoint, path, events, signal);
    // What else it can be the library finds out, which asks again.
    if (socket !== 'refused') return socket;
  }
  const { openWebSocket } = await import('./web-socket.ts');
  return openWebSocket(endpoint, path, events, signal);
}

export const brokenStream = (reason: string): FsbError =>
  new FsbError('unavailable', reason === '' ? 'the core ended, or the connection to it broke' : reason);
