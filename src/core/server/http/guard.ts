import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/errors.ts';
import { isLoopback } from '../../model/loopback.ts';
import { assertOwnUser } from '../peer-user.ts';

/**
 * What keeps other users and web pages away from a core that listens on loopback. A page may open http://127.0.0.1 and WebSockets to
 * it from any site (its Origin tells), and a name of the attacker's may resolve to 127.0.0.1 (its Host tells).
 *
 * @throws denied
 */
export function assertMayCall(request: IncomingMessage, transport: 'unix' | 'tcp'): void {
  const { host, origin } = request.headers;
  if (transport === 'tcp' && !isOpenToAll(request))
    assertOwnUser(request.socket.remoteAddress, request.socket.remotePort);
  if (transport === 'tcp' && !isLoopback(hostName(host)))
    throw new FsbError('denied', `requests for the host ${JSON.stringify(host ?? '')} are refused`, {
      hint: 'Use 127.0.0.1 or localhost in the URL.',
    });
  if (origin !== undefined && origin !== `http://${host}`)
    throw new FsbError('denied', `requests from web pages of ${JSON.stringify(origin)} are refused`);
}

/** Probes tell whether the core is there, and nothing else. */
const isOpenToAll = ({ url }: IncomingMessage): boolean =>
  url === '/healthz' || url === '/readyz' || url === '/metrics';

function hostName(header: string | undefined): string {
  return (header ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}
