import { FsbError } from '../model/errors.ts';
import { type Endpoint, formatEndpoint } from '../wire/endpoint.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'no such socket',
  ECONNREFUSED: 'connection refused',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
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
  [/^protocol error/i, 'what listens there is no core'],
  [/^(failed to connect|connection dropped|socket hang up)/i, 'the connection was closed'],
];

/** One sentence for `details`, which a library made: `No connection established. Last error: Error: connect ENOENT /x`. */
export function unreachable(endpoint: Endpoint, details: string, cause: Error): FsbError {
  return new FsbError(
    'unavailable',
    `cannot reach the core at ${formatEndpoint(endpoint)}: ${reasonOf(details, cause)}`,
    {
      hint: 'Is it running? See `fsb-ctl daemon status`.',
      cause,
    },
  );
}

/** What running and new calls get from a connection of ours that was closed. */
export const connectionClosed = (endpoint: Endpoint): FsbError =>
  new FsbError('unavailable', `the connection to the core at ${formatEndpoint(endpoint)} was closed`);

function reasonOf(details: string, cause: Error): string {
  const text = details
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\.? ?Resolution note: .*$/s, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '');
  // Not anywhere in the text: a path may hold anything.
  const code = /^(?:connect|getaddrinfo|read|write) (E[A-Z_]+)/.exec(text)?.[1] ?? codeOf(cause);
  return REASONS[code] ?? PHRASES.find(([pattern]) => pattern.test(text))?.[1] ?? (text || 'unknown reason');
}

const codeOf = (error: NodeJS.ErrnoException): string => String(error.code ?? '');

/** The core, or what is in between, was there: the connection broke before it was of use. */
export const wasReached = ({ code, cause }: FsbError): boolean =>
  code === 'unavailable' && cause instanceof Error && /^(ECONNRESET|EPIPE)$/.test(codeOf(cause));
