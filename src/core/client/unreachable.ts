import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { FsbError } from '../model/failure/errors.ts';
import { formatEndpoint } from '../wire/endpoint.ts';
import type { Target } from './security.ts';
import { tlsTrouble } from './tls-trouble.ts';

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
  const trouble = endpoint.security?.tls && tlsTrouble(text, code);
  if (trouble !== undefined)
    return new FsbError('unavailable', `${what}: ${trouble.reason}`, { hint: trouble.hint, cause });
  if (DENIALS.includes(code))
    return new FsbError('denied', `${what}: permission denied`, {
      hint: 'Run the command as the user who runs that core.',
      cause,
    });
  const known = code === 'ENOENT' ? missingBeside(endpoint) : mayWantTls(endpoint, details);
  return notReached(endpoint, known ?? reasonOf(text, code), cause);
}

/** Of gRPC. A web server has statuses of its own, or a page whose first letters are taken for a length. */
const FOREIGN = /^(Received HTTP status code (?!40[13])|Received message larger than max)/;
const UNIMPLEMENTED = 12;

/** An answer of gRPC without an error of ours in it, which a core never gives: each has the service of sandboxes. */
export const isForeign = ({ code, details }: { code: number; details: string }): boolean =>
  FOREIGN.test(details) || (code === UNIMPLEMENTED && details.includes('FastPathService'));

/** Something is there and speaks, only not as a core does. `said`: what a library made of its answer. */
export const noCoreThere = (endpoint: Target, said: string, cause: Error): FsbError =>
  notReached(endpoint, `what listens there does not answer as a core does (${said})`, cause);

const notReached = (endpoint: Target, why: string, cause: Error): FsbError =>
  new FsbError('unavailable', `cannot reach the core at ${nameOf(endpoint)}: ${why}`, {
    hint:
      endpoint.hint ??
      'Is it running, and is that its address? See `fsb-ctl context list`, --host and FSB_HOST.',
    cause,
  });

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

/** Of gRPC: there was a connection, and it ended before the other end had said anything. */
const HUNG_UP_AT_ONCE = /^No connection established\. Last error: .*(Failed to connect|ECONNRESET)/;

const mayWantTls = ({ kind, security }: Target, details: string): string | undefined =>
  kind === 'tcp' && security?.tls === undefined && HUNG_UP_AT_ONCE.test(details)
    ? 'what listens there hung up at once: it may want TLS'
    : undefined;

const nameOf = (endpoint: Target): string => endpoint.name ?? formatEndpoint(endpoint);

const plain = (details: string): string =>
  details
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\.? ?Resolution note: .*$/s, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '');

const reasonOf = (text: string, code: string): string =>
  REASONS[code] ?? PHRASES.find(([pattern]) => pattern.test(text))?.[1] ?? (text || 'unknown reason');

const codeOf = (error: NodeJS.ErrnoException): string => String(error.code ?? '');

/** Of gRPC, about a call that was on its way; one that never was begins with the failure to connect. */
const BROKE_UNDER_A_CALL = /^\d+ \S+: (Connection dropped|(read|write) E[A-Z]+)/;

/** The core, or what is in between, was there: the connection broke before it was of use. */
export const wasReached = ({ code, cause }: FsbError): boolean =>
  code === 'unavailable' &&
  cause instanceof Error &&
  (/^(ECONNRESET|EPIPE)$/.test(codeOf(cause)) || BROKE_UNDER_A_CALL.test(cause.message));

/** Nobody listens there. */
export const isRefused = ({ cause }: FsbError): boolean =>
  cause instanceof Error && codeOf(cause) === 'ECONNREFUSED';

/** The words of a core that ends in order, wherever in it they come from. */
const GOODBYE = /\bthe core is (going away|stopping|shutting down)\b/i;

/** It said so, or the connection broke: what was asked may have been done. */
export const wentAway = (error: FsbError): boolean =>
  mayComeBack(error) && (GOODBYE.test(`${error.message} ${error.hint}`) || wasReached(error));

export const mayComeBack = (error: FsbError): boolean =>
  error.code === 'unavailable' && !(error instanceof ConnectionClosed);
