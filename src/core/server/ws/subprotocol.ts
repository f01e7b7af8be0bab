import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/errors.ts';
import { subprotocols } from '../../wire/stream/frames.ts';

/** Ours first: a client that offers several gets the richest one. */
const known: readonly string[] = [subprotocols.own, subprotocols.kubernetes, subprotocols.olderKubernetes];

/** False: it named none, and is spoken to as a Kubernetes client. */
export const chooseProtocol = (offered: Set<string>): string | false =>
  known.find((protocol) => offered.has(protocol)) ?? false;

/** A client that offers only what nobody here speaks must not be answered in something else. @throws invalid_argument */
export function assertSpoken({ headers }: IncomingMessage): void {
  const header = headers['sec-websocket-protocol'];
  if (header === undefined) return;
  const offered = header.split(',').map((protocol) => protocol.trim());
  if (chooseProtocol(new Set(offered)) !== false) return;
  throw new FsbError('invalid_argument', `none of the subprotocols ${offered.join(', ')} is spoken here`, {
    hint: `Offer ${known.join(' or ')}, or none.`,
  });
}
