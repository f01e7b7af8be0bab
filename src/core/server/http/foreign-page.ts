import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/failure/errors.ts';
import { isLoopback } from '../../model/loopback.ts';
import type { Visit } from '../auth/entrance.ts';
import type { Door } from '../door.ts';
import { HttpRefusal } from './respond.ts';

/** Headers of a request. */
const MOST_HEADERS = 100;

/** What Node is to keep of them: it drops the others without a word, and one too many shows that there were more. */
export const HEADERS_TO_KEEP = MOST_HEADERS + 1;

/**
 * What keeps web pages away. A page may open http://127.0.0.1 and WebSockets to it from any site (its Origin tells), and
 * a name of the attacker's may resolve to 127.0.0.1 (its Host tells).
 *
 * @throws denied; invalid_argument: its headers cannot be trusted to tell
 */
export function assertNoForeignPage(request: IncomingMessage, door: Door): void {
  const { endpoint, isSecure } = door;
  assertWholeHead(request);
  const { origin } = request.headers;
  const host = hostOf(request);
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

function assertWholeHead({ rawHeaders, headersDistinct }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MOST_HEADERS)
    throw new HttpRefusal(431, `the request has more than ${MOST_HEADERS} headers`);
  if ((headersDistinct.host?.length ?? 0) > 1)
    throw new FsbError('invalid_argument', 'the request says more than once for which host it is');
}

/** A whole URL, as for a proxy, counts in place of the header. */
function hostOf({ url = '', headers }: IncomingMessage): string | undefined {
  if (url.startsWith('/') || url === '*') return headers.host;
  return URL.canParse(url) ? new URL(url).host : '';
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
