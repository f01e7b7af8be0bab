import { FsbError } from '../../model/failure/errors.ts';
import { BrokenConnection } from './answer.ts';
import type { Endpoint } from './endpoints.ts';
import { InnerAddress, LinkLocalAddress } from './link-local.ts';
import { proxyName } from './proxies.ts';
import { Retryable } from './retry.ts';
import { ProxyRefusal } from './transport.ts';

const UNKNOWN_AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED)$/;
const WRONG_CERTIFICATE =
  /^(CERT_.*|ERR_TLS_CERT_ALTNAME_INVALID|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERROR_IN_CERT_.*)$/;
const PLAIN_HTTP = /wrong version number|packet length too long|http request|unknown protocol/i;
const WANTS_CERTIFICATE = /alert (certificate required|bad certificate)|certificate required/i;

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it does not answer',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'its name cannot be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no network to it',
};

/**
 * What to throw when no answer came, or not all of it; anything else is thrown as it is.
 * @param task what was tried: `read docker.io/library/alpine:latest`
 * @param answered somebody has answered there before
 */
export function connectionFailure(
  thrown: unknown,
  task: string,
  endpoint: Endpoint,
  answered = true,
): unknown {
  if (!(thrown instanceof BrokenConnection)) return thrown;
  const cause = thrown.cause as NodeJS.ErrnoException;
  if (cause instanceof InnerAddress) return innerAddress(cause, task, thrown.url);
  const { why, hint, ...understood } = understand(cause, thrown.url, endpoint);
  // The machine is there, and no registry on it; one that has answered before may be restarted just now.
  const final = understood.final || (codeOf(cause) === 'ECONNREFUSED' && !answered);
  const message = `cannot ${task}: ${thrown.url.host}: ${why}`;
  const error = new FsbError('unavailable', message, { hint, cause });
  return final ? error : new Retryable(error);
}

const innerAddress = (cause: InnerAddress, task: string, { host }: URL): FsbError =>
  new FsbError('denied', `cannot ${task}: ${host}: ${cause.message}`, {
    hint: 'Ask who runs the core: it is open to who has the scope admin, and to all when registries.yaml names it.',
    cause,
  });

/** TLS has failed because the other side does not know it. */
export const speaksPlainHttp = ({ cause }: BrokenConnection): boolean =>
  cause instanceof Error && PLAIN_HTTP.test(cause.message);

interface Understanding {
  why: string;
  hint?: string;
  /** It will not get better by itself. */
  final: boolean;
}

function understand(cause: NodeJS.ErrnoException, url: URL, endpoint: Endpoint): Understanding {
  const code = cause.code ?? '';
  if (cause instanceof ProxyRefusal) return { why: cause.message, hint: PROXY_HINT, final: true };
  if (cause instanceof LinkLocalAddress) return { why: cause.message, final: true };
  if (UNKNOWN_AUTHORITY.test(code))
    return {
      why: `its certificate is of an authority that is not known here (${code})`,
      hint: `If it is the right one, name its authority's certificate in ${linesFor(url, endpoint, 'ca: /path/to/ca.pem')}`,
      final: true,
    };
  if (WRONG_CERTIFICATE.test(code))
    return {
      why: `its certificate is not good: ${cause.message}`,
      hint: `Its owner must renew it; another authority's is believed with ${linesFor(url, endpoint, 'ca: /path/to/ca.pem')}`,
      final: true,
    };
  if (PLAIN_HTTP.test(cause.message))
    return {
      why: 'it does not speak https but, it seems, plain http',
      hint: `If that is meant so, write into ${linesFor(url, endpoint, 'insecure: true')}`,
      final: true,
    };
  if (WANTS_CERTIFICATE.test(cause.message))
    return {
      why: 'it wants a client certificate',
      hint: `Name one in ${linesFor(url, endpoint, 'client_cert: /path/to/cert.pem, client_key: /path/to/key.pem')}`,
      final: true,
    };
  const why = REASONS[code] ?? reasonOf(cause);
  const proxy = endpoint.proxyFor(url);
  // Nobody gives a host its name while we wait.
  const final = codeOf(cause) === 'ENOTFOUND';
  if (!proxy) return { why, final, ...(isUnreachable(cause) && { hint: unreachableHint(endpoint) }) };
  return { why: `${why} (through the proxy ${proxyName(proxy)})`, hint: PROXY_HINT, final };
}

const PROXY_HINT = 'Look at the proxy in registries.yaml, or at HTTPS_PROXY and HTTP_PROXY of the core.';

const unreachableHint = ({ file }: Endpoint): string =>
  `Check the name of the registry, and whether it runs. A proxy or a mirror is named in ${file}.`;

const isUnreachable = (cause: Error): boolean =>
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(codeOf(cause));

function codeOf(cause: Error): string {
  const first = cause instanceof AggregateError ? (cause.errors[0] as NodeJS.ErrnoException) : undefined;
  return first?.code ?? (cause as NodeJS.ErrnoException).code ?? '';
}

/** Several addresses of a host failed: Node's error for that has no message. */
function reasonOf(cause: Error): string {
  const first = cause instanceof AggregateError ? (cause.errors[0] as NodeJS.ErrnoException) : undefined;
  return REASONS[first?.code ?? ''] ?? (cause.message || cause.name);
}

/** A file, and the lines to write into it. */
function linesFor(url: URL, endpoint: Endpoint, setting: string): string {
  const host = endpoint.bases.some((base) => base.host === url.host) ? endpoint.name : url.host;
  return `${endpoint.file}:\nregistries:\n  "${host}": { ${setting} }`;
}
