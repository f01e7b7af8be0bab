import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Servers } from '../../../src/core/server/servers.ts';

export interface OpenStream {
  ws: WebSocket;
  /** Everything that came, by channel. */
  received: Map<number, Buffer>;
  closed: Promise<{ code: number; reason: string }>;
}

/** A stream as a foreign client opens it, frame by frame. @param path below /api/v1 */
export function openStream(
  servers: Pick<Servers, 'http'>,
  path: string,
  protocol: string | undefined,
  headers: Record<string, string> = {},
): OpenStream {
  return gather(new WebSocket(`ws://${servers.http[0]}/api/v1/${path}`, protocol, { headers }));
}

/** What comes over a WebSocket. */
export function gather(ws: WebSocket): OpenStream {
  const received = new Map<number, Buffer>();
  ws.on('message', (message: Buffer) => {
    const before = received.get(message[0]!) ?? Buffer.alloc(0);
    received.set(message[0]!, Buffer.concat([before, message.subarray(1)]));
  });
  ws.on('error', () => {});
  const closed = once(ws, 'close').then(([code, reason]) => ({
    code: code as number,
    reason: String(reason),
  }));
  return { ws, received, closed };
}
