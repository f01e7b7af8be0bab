import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/failure/errors.ts';
import { subprotocols } from '../../wire/stream/frames.ts';

/** Ours first: a client that offers several gets the richest one. */
const known: readonly string[] = [subprotocols.own, subprotocols.kubernetes, subprotocols.olderKubernetes];

/** False: it named none, and is spoken to as a Kubernetes client. */
export const chooseProtocol = (offered: Set<string>): string | false =>
  known.find((protocol) => offered.has(protocol)) ?? false;

/** What a page of a browser puts its token behind, for it can set no header: as in Kubernetes. */
const BEARER = 'base64url.bearer.authorization.k8s.io.';

const offeredIn = ({ headers }: IncomingMessage): string[] =>
  (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());

/** The token among the subprotocols that a client offers, as `authorization` would have it; undefined: there is none. */
export function bearerOffered(request: IncomingMessage): string | undefined {
  const offer = offeredIn(request).find((protocol) => protocol.startsWith(BEARER));
  return offer && `Bearer ${Buffer.from(offer.slice(BEARER.length), 'base64url').toString()}`;
}

/** A client that offers only what nobody here speaks must not be answered in something else. @throws invalid_argument */
export function assertSpoken(request: IncomingMessage): void {
  if (request.headers['sec-websocket-protocol'] === undefined) return;
  // No error says a token.
  const offered = offeredIn(request).filter((protocol) => !protocol.startsWith(BEARER));
  if (chooseProtocol(new Set(offered)) !== false) return;
  throw new FsbError('invalid_argument', `none of the subprotocols ${offered.join(', ')} is spoken here`, {
    hint: `Offer ${known.join(' or ')}, or none.`,
  });
}
