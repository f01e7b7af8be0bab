import { throwIfAborted } from '../../model/failure/errors.ts';
import type { Target } from '../security.ts';
import type { FrameSocket, SocketEvents } from './frame-socket.ts';

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
  if (endpoint.kind === 'unix') {
    const { openUnixSocket } = await import('./unix-socket.ts');
    throwIfAborted(signal);
    return openUnixSocket(endpoint, path, events, signal);
  }
  const { openWebSocket } = await import('./web-socket.ts');
  throwIfAborted(signal);
  return openWebSocket(endpoint, path, events, signal);
}
