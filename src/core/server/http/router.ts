import type { IncomingMessage, ServerResponse } from 'node:http';
import { FsbError } from '../../model/failure/errors.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { Visit } from '../auth/entrance.ts';
import { sendText, urlOf } from './respond.ts';

const PROBES = ['/healthz', '/readyz'];
const PREFIX = '/api/v1/sandboxes';

/** Answers a request when it is one of its own. False: it is not. */
export type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  signal: AbortSignal,
  visit: Visit,
) => Promise<boolean>;

/** `/healthz` and `/readyz`: they tell whether the core is there, and nothing else, to whoever asks. False: it is neither. @throws what `assertMayAsk` throws */
export function probe(
  request: IncomingMessage,
  response: ServerResponse,
  ready: () => boolean,
  assertMayAsk: () => void,
): boolean {
  if (!isRead(request)) return false;
  const { pathname } = urlOf(request);
  if (!PROBES.includes(pathname)) return false;
  assertMayAsk();
  if (pathname === '/healthz') sendText(response, 200, 'ok\n');
  else if (ready()) sendText(response, 200, 'ok\n');
  else sendText(response, 503, 'not ready\n');
  return true;
}

/** HEAD is answered as GET: Node leaves out what would be the body. */
export const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

/** @param routes asked first, in this order @throws FsbError, to be sent as JSON */
export async function route(
  routes: Route[],
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  visit: Visit,
): Promise<void> {
  const url = urlOf(request);
  for (const answers of routes) if (await answers(request, response, url, signal, visit)) return;
  throw notHere(request, url.pathname);
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
