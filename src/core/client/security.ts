import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
} from 'node:tls';
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

/** For any TLS connection there; undefined: it is made in the clear. @throws for PEM that cannot be used */
export function tlsOptionsFor(target: Target): TlsOptions | undefined {
  const { tls } = target.security ?? {};
  if (tls === undefined) return undefined;
  const name = nameToVerify(target);
  return {
    secureContext: contextOf(tls),
    // An address is no server name; the certificate is asked for it all the same.
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  };
}

type TlsOptions = Required<Pick<ConnectionOptions, 'secureContext' | 'servername' | 'checkServerIdentity'>>;

type Pem = NonNullable<ClientSecurity['tls']>;

/** All connections with the same authorities and the same certificate: it takes longer to read them than to use them. */
const contexts = new WeakMap<Pem, SecureContext>();

function contextOf(tls: Pem): SecureContext {
  const made = contexts.get(tls);
  if (made !== undefined) return made;
  const { serverName: _, ...pem } = tls;
  const context = createSecureContext({ ...pem, minVersion: 'TLSv1.2' });
  contexts.set(tls, context);
  return context;
}

/** The header that shows the token; a token never leaves the machine in the clear. */
export function authorizationFor(target: Target): { authorization: string } | undefined {
  const { token, tls } = target.security ?? {};
  const isSafe = tls !== undefined || (target.kind === 'tcp' && isLoopback(target.host));
  return token !== undefined && isSafe ? { authorization: `Bearer ${token}` } : undefined;
}
