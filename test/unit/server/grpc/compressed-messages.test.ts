/** Messages over gRPC that would have to be inflated: a few bytes of them can be megabytes in the memory of the core. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const UNIMPLEMENTED = '12';

let inner: HostCore;
let served: ServedCore;
let session: ClientHttp2Session;
beforeAll(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'tcp');
  session = connect(`http://${served.servers.grpc[0]}`);
  session.on('error', () => {});
});
afterAll(async () => {
  session.destroy();
  await served.close();
  await inner.close();
});

/** @param isPacked whether the flag of the message says so @returns the headers of the answer */
function ask(path: string, encoding: string | undefined, isPacked = true): Promise<IncomingHttpHeaders> {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    ...(encoding !== undefined && { 'grpc-encoding': encoding }),
  });
  stream.on('error', () => {});
  const message = isPacked ? gzipSync(Buffer.alloc(1024 * 1024)) : Buffer.alloc(0);
  const head = Buffer.from([isPacked ? 1 : 0, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  return new Promise((resolve) =>
    stream.once('response', (headers) => {
      stream.resume();
      resolve(headers);
    }),
  );
}

it.each([
  ['of one question', '/fastpath.v1.FastPathService/ListSandboxes'],
  ['of several', '/fsb.v1.PoolService/Lease'],
  ['of a stream', '/fsb.v1.ImageService/Import'],
  ['of nobody', '/grpc.health.v1.Health/Check'],
])('are refused, and what is taken is said: %s', async (_, path) => {
  for (const encoding of ['gzip', 'deflate', 'br', 'identity, gzip'])
    expect(await ask(path, encoding)).toMatchObject({
      'grpc-status': UNIMPLEMENTED,
      'grpc-message': expect.stringContaining(encodeURI(encoding)),
      'grpc-accept-encoding': 'identity',
    });
});

it('may be said not to be that, and answers tell that they must not', async () => {
  const path = '/fastpath.v1.FastPathService/ListSandboxes';
  for (const encoding of ['identity', undefined]) {
    const headers = await ask(path, encoding, false);
    expect(headers).toMatchObject({ 'grpc-accept-encoding': 'identity', 'grpc-encoding': 'identity' });
    expect(headers['grpc-status']).toBeUndefined();
  }
});
