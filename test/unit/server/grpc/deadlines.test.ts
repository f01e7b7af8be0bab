import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { CreateRequest, WaitRequest } from '../../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { breakingProxy } from '../../../helpers/core/breaking-proxy.ts';
import { controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { errorDetails } from '../../../helpers/core/error-details.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import {
  loadProto,
  type ProtoClient,
  protoClient,
  serviceError,
} from '../../../helpers/core/proto-client.ts';
import { started } from '../../../helpers/core/scripted-agent.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { gate } from '../../../helpers/gate.ts';

const definition = loadProto('proto/fastpath/v1/fastpath.proto');
const SERVICE = 'fastpath.v1.FastPathService';
const box = { image: 'host', name: 'box', command: ['sleep'], idempotency_key: 'key' };

let inner: HostCore;
let made: ReturnType<typeof world>;
let served: ServedCore;
let client: ProtoClient;

beforeEach(async () => {
  inner = hostCore();
  made = world();
  served = await serveAndConnect({ ...inner, sandboxes: made.controller }, 'unix');
  client = protoClient(served.servers.grpc[0]!, definition, SERVICE);
});

afterEach(async () => {
  client.close();
  await served.close();
  await inner.close();
});

/** The next start goes on until it is told to leave off. @returns why that was */
function endlessStart(): Promise<FsbError> {
  return new Promise((resolve) => {
    made.agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal!.addEventListener('abort', () => {
          resolve(FsbError.from(signal!.reason));
          reject(signal!.reason);
        }),
      );
  });
}

const soon = () => ({ deadline: new Date(Date.now() + 200) });

it('the deadline of a creation ends its start, and leaves nothing', async () => {
  const ended = endlessStart();
  // On a busy machine the first of them may be over before the core has heard of it.
  for (let wait = 200; made.agent.starts.length === 0; wait *= 2) {
    const deadline = new Date(Date.now() + wait);
    const error = await serviceError(client.call('CreateSandbox', box, { deadline }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
  }
  expect(await ended).toMatchObject({ code: expect.stringMatching(/timeout|cancelled/) });
  await expect.poll(() => [...made.records.entries()]).toEqual([]);
});

it('a request that is whole only after its deadline is not begun any more', async () => {
  const path = served.servers.grpc[0]!.slice('unix://'.length);
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': `/${SERVICE}/CreateSandbox`, te: 'trailers' },
    ...{ 'content-type': 'application/grpc', 'grpc-timeout': '30m' },
  });
  const message = CreateRequest.encode(CreateRequest.fromPartial({ image: 'host', name: 'box' })).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.write(Buffer.concat([prefix, message]));
  const [headers] = await once(stream, 'response');
  expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
  stream.end();
  await once(stream.resume(), 'close');
  session.close();
  await client.call('ListSandboxes', {});
  expect(made.agent.starts).toEqual([]);
});

it.each(['100H', '600H', '1000H', '99999999H', '99999999S'])(
  'a deadline in %s is not over at once',
  async (timeout) => {
    await client.call('CreateSandbox', box);
    const path = served.servers.grpc[0]!.slice('unix://'.length);
    const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `/${SERVICE}/WaitSandbox`, te: 'trailers' },
      ...{ 'content-type': 'application/grpc', 'grpc-timeout': timeout },
    });
    const message = WaitRequest.encode(WaitRequest.fromPartial({ sandboxName: 'box' })).finish();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
    let answered: unknown;
    for (const headers of ['response', 'trailers'])
      stream.on(headers, (told) => {
        answered ??= told['grpc-status'];
      });
    const over = once(stream.resume(), 'close');
    // What Node makes of a longer time than it can count.
    await sleep(20);
    await client.call('StopSandbox', { sandbox_name: 'box', grace_milliseconds: 0 });
    await over;
    expect(answered).toBe(String(status.OK));
    session.close();
  },
);

it('a creation that its client cancels is ended as well', async () => {
  const ended = endlessStart();
  const leaving = new AbortController();
  const call = serviceError(client.call('CreateSandbox', box, { signal: leaving.signal }));
  await expect.poll(() => made.agent.starts).toHaveLength(1);
  leaving.abort();
  expect((await call).code).toBe(status.CANCELLED);
  expect(await ended).toMatchObject({ code: 'cancelled' });
  await expect.poll(() => [...made.records.entries()]).toEqual([]);
});

it('a wait ends with its deadline, and its sandbox goes on', async () => {
  await client.call('CreateSandbox', box);
  const error = await serviceError(client.call('WaitSandbox', { sandbox_name: 'box' }, soon()));
  expect(error.code).toBe(status.DEADLINE_EXCEEDED);
  expect(await client.call('GetSandbox', { sandbox_name: 'box' })).toMatchObject({ phase: 'Running' });
});

it('a call over HTTP has the deadline that its grpc-timeout says', async () => {
  const ended = endlessStart();
  const post = (timeout: string) =>
    new Promise<{ status?: number; body: string }>((resolve, reject) => {
      const headers = { host: 'localhost', 'content-type': 'application/proto', 'grpc-timeout': timeout };
      const socketPath = served.servers.http[0]!.slice('unix://'.length);
      const outgoing = httpRequest(
        { socketPath, method: 'POST', path: `/${SERVICE}/CreateSandbox`, headers, agent: false },
        (response) => {
          let body = '';
          response.on('data', (piece) => {
            body += piece;
          });
          response.on('end', () => resolve({ status: response.statusCode, body }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(CreateRequest.encode(CreateRequest.fromPartial({ image: 'host', name: 'box' })).finish());
    });
  const { status: answered, body } = await post('100m');
  expect(answered).toBe(504);
  expect(JSON.parse(body).error).toMatchObject({ code: 'timeout' });
  expect(await ended).toMatchObject({ code: 'timeout' });
  expect([...made.records.entries()]).toEqual([]);
  for (const bad of ['100', 'm', '-1m', '123456789m', '1x']) expect((await post(bad)).status).toBe(400);
});

it('the same request with the same key after a cut connection gives the same sandbox, another one a conflict', async () => {
  const { promise, open } = gate();
  made.agent.onStart = async () => {
    await promise;
    return started(1);
  };
  // The answer is behind the cut: the request has gone through, and the first bytes that come back.
  const proxy = await breakingProxy(served.servers.grpc[0]!, [700]);
  const other = protoClient(proxy.address, definition, SERVICE);
  const lost = serviceError(other.call('CreateSandbox', { ...box, envs: { A: 'x'.repeat(200) } }));
  await expect.poll(() => made.agent.starts.length + proxy.broken()).toBeGreaterThan(0);
  open();
  await lost;
  expect(proxy.broken()).toBe(1);
  await setImmediate();
  const request = { ...box, envs: { A: 'x'.repeat(200) } };
  const { sandbox_id } = await client.call('CreateSandbox', request);
  expect((await client.call('CreateSandbox', request)).sandbox_id).toBe(sandbox_id);
  expect((await client.call('ListSandboxes', {})).items).toHaveLength(1);
  const conflict = await serviceError(client.call('CreateSandbox', { ...request, envs: {} }));
  expect(conflict.code).toBe(status.FAILED_PRECONDITION);
  expect(errorDetails(conflict).details).toMatchObject({ ErrorInfo: { reason: 'CONFLICT' } });
  other.close();
  await proxy.close();
});
