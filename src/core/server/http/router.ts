import type { IncomingMessage, ServerResponse } from 'node:http';
import { FsbError } from '../../model/errors.ts';
import type { SandboxRef } from '../../model/sandbox.ts';
import { sendText, urlOf } from './respond.ts';

const PREFIX = '/api/v1/sandboxes';

/** Answers a request when it is one of its own. False: it is not. */
export type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  signal: AbortSignal,
) => Promise<boolean>;

/** What the router has to offer. */
export interface Served {
  ready: () => boolean;
  /** Asked first, in this order. */
  routes: Route[];
}

/** @throws FsbError, to be sent as JSON */
export async function route(
  { ready, routes }: Served,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const url = urlOf(request);
  for (const answers of routes) if (await answers(request, response, url, signal)) return;
  const { pathname } = url;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notHere(request, pathname);
  if (pathname === '/healthz') return sendText(response, 200, 'ok\n');
  if (pathname === '/readyz')
    return ready() ? sendText(response, 200, 'ok\n') : sendText(response, 503, 'not ready\n');
  throw notHere(request, pathname);
}

/** `/api/v1/sandboxes/{namespace}/{name}` and what may follow after a further slash. */
export function sandboxPath(pathname: string): { ref: SandboxRef; action: string } | undefined {
  if (!pathname.startsWith(`${PREFIX}/`)) return undefined;
  const [namespace, name, action = '', ...more] = pathname.slice(PREFIX.length + 1).split('/');
  if (!namespace || !name || more.length > 0) return undefined;
  try {
    return { ref: { namespace: decodeURIComponent(namespace), name: decodeURIComponent(name) }, action };
  } catch {
    throw new FsbError('invalid_argument', `the path ${pathname} has a broken escape`);
  }
}

export function notHere(request: IncomingMessage, pathname: string): FsbError {
  return new FsbError('not_found', `there is nothing at ${request.method} ${pathname}`);
}
