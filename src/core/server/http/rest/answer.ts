import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CoreApi } from '../../../api/core-api.ts';
import type { Clock } from '../../../model/clock.ts';
import { throwIfAborted } from '../../../model/failure/errors.ts';
import type { RequestBody } from '../request-body.ts';
import { HttpRefusal, sendError, sendJson, send as sendWhole, TAR_TYPES } from '../respond.ts';
import { isRead } from '../router.ts';
import { checkBody, checkQuery } from './check.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { isAt, match } from './match.ts';
import { openApiBytes } from './openapi.ts';
import { sendBytes, sendLines, sendTar } from './send-stream.ts';
import { streamOperations } from './stream-operations.ts';
import { table } from './table.ts';

export const DOCUMENT = '/openapi.json';

export interface RestRequest {
  core: CoreApi;
  clock: Clock;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  body: RequestBody;
  /** @throws no_capacity: the caller has no room for an answer that says so much */
  assertRoom: (value: unknown) => void;
  signal: AbortSignal;
}

/** False: nothing is at this path. @throws FsbError, to be sent as JSON */
export async function answerRest(asked: RestRequest): Promise<boolean> {
  const { request, response, url } = asked;
  const { pathname } = url;
  if (pathname === DOCUMENT && isRead(request)) {
    sendWhole(response, 200, 'application/json; charset=utf-8', openApiBytes());
    return true;
  }
  const found = match(table, request.method ?? '', pathname);
  if (found === undefined && isAt(STREAMS, pathname)) throw needsUpgrade(pathname);
  if (found === undefined) return false;
  await answer(found.endpoint, found.params, asked);
  return true;
}

const STREAMS = streamOperations.filter(({ isText }) => !isText).map(({ path }) => path);

const needsUpgrade = (pathname: string): HttpRefusal =>
  new HttpRefusal(426, `${pathname} is a stream: it takes an upgrade to a WebSocket`, {
    headers: { upgrade: 'websocket', connection: 'Upgrade' },
    hint: 'Ask with a WebSocket client: GET, with Connection: Upgrade and Upgrade: websocket.',
  });

async function answer(endpoint: Endpoint, params: Record<string, string>, asked: RestRequest): Promise<void> {
  const { core, request, response, url, body, signal } = asked;
  const takesBody = endpoint.method === 'POST' || endpoint.method === 'PATCH';
  let said: unknown;
  try {
    const query = checkQuery(endpoint.query, url.searchParams);
    if (endpoint.isUpload) body.assertType(TAR_TYPES);
    else if (takesBody) said = await (endpoint.body === undefined ? body.nothing() : body.json());
    throwIfAborted(signal);
    const checkedBody = checkBody(endpoint.body, said);
    const { headers } = request;
    const options = { signal };
    const content = (): AsyncIterable<Buffer> => body.chunks();
    const call = { core, params, query, body: checkedBody, said: said ?? {}, content, headers, options };
    await send(endpoint, call, asked);
  } catch (error) {
    const { refusal } = endpoint;
    sendError(response, error, refusal && ((failed) => refusal.of(failed, said)));
  }
}

async function send(
  endpoint: Endpoint,
  call: Call,
  { response, clock, assertRoom }: RestRequest,
): Promise<void> {
  const { answer: form } = endpoint;
  const result = await endpoint.handle(call);
  switch (form.kind) {
    case 'json':
      // What has changed something is told all the same.
      if (endpoint.method === 'GET') assertRoom(result);
      sendJson(response, form.status, result);
      return;
    case 'none':
      response.writeHead(204, { 'cache-control': 'no-store' }).end();
      return;
    case 'lines': {
      const { accept } = call.headers;
      // What is asked for with GET is told as it happens.
      const waits = endpoint.method === 'GET';
      await sendLines(response, result as AsyncIterable<unknown>, { accept, waits, clock });
      return;
    }
    case 'text':
      await sendBytes(response, result as AsyncIterable<Buffer>);
      return;
    case 'tar':
      await sendTar(response, result as AsyncIterable<Buffer>);
  }
}
