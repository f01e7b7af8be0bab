import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { isLoopback } from '../model/loopback.ts';
import type { Endpoint } from '../wire/endpoint.ts';

/** How a client and its core know each other. */
export interface ClientSecurity {
  /** Undefined: the connection is in the clear. All in PEM. */
  tls?: {
    /** Undefined: the authorities that Node knows. */
    ca?: Buffer;
    cert?: Buffer;
    key?: Buffer;
    /** What its certificate must be for; undefined: the host of the address. */
    serverName?: string;
  };
  token?: string;
}

/** An address, and how to be safe there. */
export type Target = Endpoint & { security?: ClientSecurity };

/** The name that the certificate of the other end must have. */
export const nameToVerify = (target: Target): string =>
  target.security?.tls?.serverName ?? (target.kind === 'tcp' ? target.host : 'localhost');

/** For any TLS connection there; undefined: it is made in the clear. */
export function tlsOptionsFor(target: Target): ConnectionOptions | undefined {
  const { tls } = target.security ?? {};
  if (tls === undefined) return undefined;
  const { serverName: _, ...pem } = tls;
  const name = nameToVerify(target);
  return {
    ...pem,
    minVersion: 'TLSv1.2',
    // An address is no server name; the certificate is asked for it all the same.
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  };
}

/** The header that shows the token; a token never leaves the machine in the clear. */
export function authorizationFor(target: Target): { authorization: string } | undefined {
  const { token, tls } = target.security ?? {};
  const isSafe = tls !== undefined || (target.kind === 'tcp' && isLoopback(target.host));
  return token !== undefined && isSafe ? { authorization: `Bearer ${token}` } : undefined;
}
