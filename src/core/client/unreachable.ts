import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { FsbError } from '../model/errors.ts';
import { formatEndpoint } from '../wire/endpoint.ts';
import type { Target } from './security.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'no such socket',
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'unknown host name',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
};

const PHRASES: [RegExp, string][] = [
  [/^name resolution failed/i, 'unknown host name'],
  [/timed out/i, 'no answer in time'],
  [/^protocol error/i, 'what listens there is no core'],
  [/^(failed to connect|connection dropped|socket hang up)/i, 'the connection was closed'],
];

/** How a core failed to prove who it is, and what to do about it. */
const MISTRUSTED: [RegExp, reason: string, hint: string][] = [
  [
    /self[- ]signed certificate|unable to (verify the first|get (local )?issuer) certificate|SELF_SIGNED|UNABLE_TO_/i,
    'its certificate is from an authority that is not trusted here',
    'Name the authority with FSB_CA=FILE, or for good: fsb-ctl context update NAME --ca FILE.',
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED/i,
    'its certificate has expired',
    'Whoever runs the core must renew it.',
  ],
  [
    /certificate is not yet valid|CERT_NOT_YET_VALID/i,
    'its certificate is not valid yet',
    'Is the clock of this machine right?',
  ],
  [
    /does not match certificate|ERR_TLS_CERT_ALTNAME_INVALID/i,
    'its certificate is for another name',
    'Use a name that is in it, or say which: fsb-ctl context update NAME --server-name NAME.',
  ],
];

const NO_TLS = /wrong version number|packet length too long|ssl3_get_record|EPROTO/i;

const DENIALS = ['EACCES', 'EPERM'];

/**
 * `denied` where the machine does not let this user in, else `unavailable`.
 * @param details what a library made of it: `No connection established. Last error: Error: connect ENOENT /x`
 */
export function unreachable(endpoint: Target, details: string, cause: Error): FsbError {
  const text = plain(details);
  // Not anywhere in the text: a path may hold anything.
  const code = /^(?:connect|getaddrinfo|read|write) (E[A-Z_]+)/.exec(text)?.[1] ?? codeOf(cause);
  const what = `cannot reach the core at ${nameOf(endpoint)}`;
  const mistrusted = MISTRUSTED.find(([pattern]) => pattern.test(text) || pattern.test(code));
  if (mistrusted !== undefined) {
    const [, reason, hint] = mistrusted;
    return new FsbError('unauthenticated', `${what}: ${reason}`, { hint, cause });
  }
  if (endpoint.security?.tls !== undefined && NO_TLS.test(text))
    return new FsbError('unavailable', `${what}: what listens there does not speak TLS`, {
      hint: 'Is that its address? A core in the clear is reached with tcp://, and only on loopback.',
      cause,
    });
  if (DENIALS.includes(code))
    return new FsbError('denied', `${what}: permission denied`, {
      hint: 'Run the command as the user who runs that core.',
      cause,
    });
  const missing = code === 'ENOENT' ? missingBeside(endpoint) : undefined;
  return new FsbError('unavailable', `${what}: ${missing ?? reasonOf(text, code)}`, {
    hint:
      endpoint.hint ??
      'Is it running, and is that its address? See `fsb-ctl context list`, --host and FSB_HOST.',
    cause,
  });
}

/** What running and new calls get from a connection of ours that was closed. */
export class ConnectionClosed extends FsbError {
  constructor(endpoint: Target) {
    super('unavailable', `the connection to the core at ${nameOf(endpoint)} was closed`);
  }
}

export const connectionClosed = (endpoint: Target): FsbError => new ConnectionClosed(endpoint);

/** The socket that people named may be there, and the other one that is needed is not. */
function missingBeside({ kind, name = '', ...endpoint }: Target): string | undefined {
  const named = name.replace(/^unix:(\/\/)?/, '');
  if (kind !== 'unix' || !('path' in endpoint) || named === endpoint.path || !existsSync(named))
    return undefined;
  return `there is no ${basename(endpoint.path)} beside it`;
}

const nameOf = (endpoint: Target): string => endpoint.name ?? formatEndpoint(endpoint);

const plain = (details: string): string =>
  details
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\.? ?Resolution note: .*$/s, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '');

const reasonOf = (text: string, code: string): string =>
  REASONS[code] ?? PHRASES.find(([pattern]) => pattern.test(text))?.[1] ?? (text || 'unknown reason');

const codeOf = (error: NodeJS.ErrnoException): string => String(error.code ?? '');

/** The core, or what is in between, was there: the connection broke before it was of use. */
export const wasReached = ({ code, cause }: FsbError): boolean =>
  code === 'unavailable' && cause instanceof Error && /^(ECONNRESET|EPIPE)$/.test(codeOf(cause));
