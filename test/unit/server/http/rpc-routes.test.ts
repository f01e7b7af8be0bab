import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FastPathServiceService as service } from '../../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { PROTOBUF } from '../../../../src/core/wire/rpc-over-http.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const box = { namespace: 'default', name: 'box' };

describe('unary methods over plain HTTP', () => {
  let inner: HostCore;
  let served: ServedCore;

  const ask = async (path: string, body: Buffer, headers: object = {}, method = 'POST') => {
    const socketPath = served.servers.http[0]!.slice('unix://'.length);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({
        socketPath,
        path,
        method,
        headers: { host: 'localhost', 'content-type': PROTOBUF, ...headers },
      })
        .once('response', resolve)
        .once('error', reject)
        .end(body);
    });
    return {
      status: response.statusCode,
      type: response.headers['content-type'],
      body: await buffer(response),
    };
  };
  const codeOf = ({ body }: { body: Buffer }): unknown => JSON.parse(body.toString()).error.code;

  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'unix');
  });

  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  it('answer with the message that gRPC would answer with', async () => {
    const made = await served.core.sandboxes.create({
      ...box,
      spec: { image: 'host', command: ['sleep', '9'] },
    });
    const question = service.getSandbox.requestSerialize({ sandboxName: 'box', namespace: 'default' });
    const { status, type, body } = await ask(service.getSandbox.path, question);
    expect([status, type]).toEqual([200, PROTOBUF]);
    expect(service.getSandbox.responseDeserialize(body).sandboxId).toBe(made.id);
  });

  it('answer with the error of the API, and its status', async () => {
    const question = service.getSandbox.requestSerialize({ sandboxName: 'nobody', namespace: 'default' });
    const answer = await ask(service.getSandbox.path, question);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
  });

  it.each<[string, string, Buffer, object, string]>([
    ['what is no message', service.getSandbox.path, Buffer.from([0xff, 0xff]), {}, 'invalid_argument'],
    [
      'other types, which a web page can send',
      service.getSandbox.path,
      Buffer.alloc(0),
      { 'content-type': 'text/plain' },
      'invalid_argument',
    ],
    [
      'more than a question may have',
      service.getSandbox.path,
      Buffer.alloc(5 * 1024 * 1024),
      {},
      'invalid_argument',
    ],
    ['methods that stream', '/fsb.v1.SystemService/Watch', Buffer.alloc(0), {}, 'not_found'],
    ['methods that there are none', '/fsb.v1.SystemService/Nothing', Buffer.alloc(0), {}, 'not_found'],
  ])('refuse %s', async (_, path, body, headers, code) => {
    expect(codeOf(await ask(path, body, headers))).toBe(code);
  });

  it('are no pages to look at', async () => {
    expect(codeOf(await ask(service.getSandbox.path, Buffer.alloc(0), {}, 'GET'))).toBe('not_found');
  });

  it('end what waits when the caller hangs up or the core goes away', async () => {
    await served.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
    const leaving = new AbortController();
    const waiting = served.core.sandboxes.wait(box, { signal: leaving.signal });
    leaving.abort(new Error('no more'));
    await expect(waiting).rejects.toMatchObject({ message: 'no more' });

    const other = served.core.sandboxes.wait(box);
    const failed = expect(other).rejects.toMatchObject({ code: 'unavailable' });
    await served.core.sandboxes.get(box);
    await served.servers.close(2000);
    await failed;
  });
});
