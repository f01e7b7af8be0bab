import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/failure/errors.ts';
import { isLoopback } from '../../model/loopback.ts';
import type { Visit } from '../auth/entrance.ts';
import type { Door } from '../door.ts';

/**
 * What keeps web pages away. A page may open http://127.0.0.1 and WebSockets to it from any site (its Origin tells), and
 * a name of the attacker's may resolve to 127.0.0.1 (its Host tells).
 *
 * @throws denied
 */
export function assertNoForeignPage(request: IncomingMessage, door: Door): void {
  const { endpoint, isSecure } = door;
  const { host, origin } = request.headers;
  // Where TLS is, a page would need a token, and names of the core are for its certificate to say.
  if (endpoint.kind === 'tcp' && !isSecure && !isLoopback(hostName(host)))
    throw door.refuse(
      new FsbError('denied', `requests for the host ${JSON.stringify(host ?? '')} are refused`, {
        hint: 'Use 127.0.0.1 or localhost in the URL.',
      }),
    );
  if (origin !== undefined && origin !== `${isSecure ? 'https' : 'http'}://${host}`)
    throw door.refuse(
      new FsbError('denied', `requests from web pages of ${JSON.stringify(origin)} are refused`),
    );
  // An image, a script or a frame of a page has no Origin.
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw door.refuse(new FsbError('denied', 'requests from web pages of others are refused'));
}

/** Who makes a request. @throws unauthenticated, denied, no_capacity */
export const visitOf = (
  request: IncomingMessage,
  door: Door,
  opens: 'call' | 'stream' = 'call',
  authorization = request.headers.authorization,
): Visit =>
  door.enter({
    ends: request.socket,
    authorization,
    opens,
    path: (request.url ?? '').replace(/\?.*$/s, ''),
  });

function hostName(header: string | undefined): string {
  return (header ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}
