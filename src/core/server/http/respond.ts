import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorCodes, FsbError } from '../../model/failure/errors.ts';

/** How a tar is declared, here and by others. */
export const TAR_TYPES = ['application/x-tar', 'application/octet-stream'] as const;

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  send(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`, headers);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text);
}

/** A failure of the request itself, which HTTP has a status of its own for: 405, 413, 415, 426. */
export class HttpRefusal extends FsbError {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    { headers = {}, hint }: { headers?: Record<string, string>; hint?: string } = {},
  ) {
    super(status === 405 ? 'unsupported' : 'invalid_argument', message, { hint });
    this.status = status;
    this.headers = headers;
  }
}

const statusOf = (error: FsbError): number =>
  error instanceof HttpRefusal ? error.status : errorCodes[error.code].http;

/** What HTTP says of a failure in headers: how to show who one is, and when to try again. */
export const headersOf = (error: FsbError, status: number): Record<string, string> => ({
  ...(error instanceof HttpRefusal && error.headers),
  ...(status === 401 && { 'www-authenticate': 'Bearer realm="fsb-ctl"' }),
  ...((status === 429 || status === 503) &&
    error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
});

/** `{"error":{code,message,hint}}`, or what `body` makes of the error, with its HTTP status. */
export function sendError(
  response: ServerResponse,
  thrown: unknown,
  body: (error: FsbError) => unknown = (error) => ({ error: error.toBody() }),
): void {
  const error = FsbError.from(thrown);
  if (response.headersSent) {
    breakOff(response);
    return;
  }
  sendJson(response, statusOf(error), body(error), headersOf(error, statusOf(error)));
}

/** Cuts off an answer that has begun, so that nobody takes it for whole; one that is whole is left to arrive. */
export function breakOff(response: ServerResponse): void {
  if (!response.writableEnded) response.destroy();
}

/** Answers an upgrade request that is refused; the socket has no response object yet. */
export function refuseUpgrade(socket: Duplex, error: FsbError): void {
  const body = `${JSON.stringify({ error: error.toBody() })}\n`;
  const status = statusOf(error);
  const headers = Object.entries(headersOf(error, status)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\n${headers.join('')}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // Without this a client that never closes its half would keep the socket.
    () => socket.destroy(),
  );
}

export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    ...headers,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** Path and query of a request. @throws invalid_argument */
export function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    // A path that begins with two slashes is no host.
    return new URL(url.startsWith('/') ? `http://localhost${url}` : url);
  } catch {
    throw new FsbError('invalid_argument', 'the request has an invalid URL');
  }
}
