import fc from 'fast-check';
import { FastPathServiceService as service } from '../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { PROTOBUF } from '../../src/core/wire/rpc-over-http.ts';
import {
  channels,
  encodeFrame,
  encodeResize,
  encodeSignal,
  subprotocols,
} from '../../src/core/wire/stream/frames.ts';
import { mutated } from './mutations.ts';
import { type ServedNothing, say } from './refusing-core.ts';

const head = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);

/** A message of a WebSocket client: masked, with a mask of zeros. */
export function webSocketFrame(payload: Buffer, opcode = 2): Buffer {
  const long = payload.length > 125;
  const size = long ? [0x80 | 126, payload.length >> 8, payload.length & 0xff] : [0x80 | payload.length];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size, 0, 0, 0, 0]), payload]);
}

/** @param more lines of headers */
export const webSocketHead = (path: string, ...more: string[]): Buffer =>
  head(
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subprotocols.own}`,
    ...more,
  );

/** `POST` of one question, whole. */
export function question(path: string, body: Buffer, type = PROTOBUF): Buffer {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: localhost', `Content-Type: ${type}`, 'Connection: close'];
  return Buffer.concat([head(...lines, `Content-Length: ${body.length}`), body]);
}

/** What a gRPC client says first: the preface, SETTINGS, and the HEADERS of a call. */
export const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000006040000000000000300000064', 'hex'),
  Buffer.from('000006010400000001', 'hex'),
  Buffer.from('838684410161', 'hex'),
]);

export const httpSeeds = [
  head('GET /healthz HTTP/1.1', 'Host: localhost', 'Connection: close'),
  head('GET /api/v1/sandboxes/default/box?x=%2e%2e HTTP/1.1', 'Host: localhost:80', 'Origin: null'),
  head(
    'DELETE /sandbox/l0 HTTP/1.1',
    'Host: localhost',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
  ),
  question(
    service.getSandbox.path,
    service.getSandbox.requestSerialize({ sandboxName: 'b', namespace: 'n' }),
  ),
  question('/pool/execute?tool_name=x&timeout=1', Buffer.from('{"code":"1"}'), 'application/json'),
  question('/pool/initialize', Buffer.from('{"image":"host","pool_size":1}'), 'application/json'),
  Buffer.concat([
    webSocketHead('/api/v1/sandboxes/default/box/exec?request=frame&window=1'),
    webSocketFrame(encodeFrame(channels.request, Buffer.from('{"argv":["true"]}'))),
    webSocketFrame(encodeResize({ rows: 1, cols: 1 })),
    webSocketFrame(encodeSignal(9)),
    webSocketFrame(Buffer.alloc(0), 9),
    webSocketFrame(Buffer.from([3, 232]), 8),
  ]),
];

/** Bytes of nobody's client: each connection ends, what is answered is HTTP and none of it our own failure. */
export const rawClientsProperty = ({ http, grpc }: ServedNothing) =>
  fc.asyncProperty(fc.boolean(), mutated(httpSeeds), mutated([http2Preface]), async (isHttp, one, other) => {
    if (!isHttp) {
      await say(grpc.slice('unix://'.length), other, 100);
      return;
    }
    const heard = await say(http, one, 300);
    if (heard !== '' && !heard.startsWith('HTTP/1.1 '))
      throw new Error(`it answers ${JSON.stringify(heard)}`);
    if (heard.includes('"code":"internal"')) throw new Error(`it answers ${heard}`);
    const alive = await say(http, httpSeeds[0]!);
    if (!alive.endsWith('ok\n')) throw new Error('it does not answer any more');
  });
