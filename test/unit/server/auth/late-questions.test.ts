/** A call whose question comes late: nothing is done for who is not known any more by then, has left or has no time left. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { FastPathServiceService as service } from '../../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { PROTOBUF } from '../../../../src/core/wire/rpc-over-http.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';

// What a first request would load: that would take longer than the token is there.
import '../../../../src/core/server/http/rest/answer.ts';

const MINE = 'mine-token-0123456789';
const UNAUTHENTICATED = '16';
const ref = { namespace: 'default', name: 'box' };
const root = { name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] };
const mine = { name: 'mine', sha256: sha256(MINE), scopes: ['use'] };
const create = service.createSandbox.requestSerialize({
  ...service.createSandbox.requestDeserialize(Buffer.alloc(0)),
  ...{ image: 'host', command: ['sleep', '1000'], name: 'late', namespace: 'default' },
});

/** A second of it is a moment. */
const clock = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 20, callback),
};

let inner: HostCore;
let place: SecureCore;
/** What reached the core. */
let reached: string[];
beforeEach(async () => {
  inner = hostCore();
  reached = [];
  const sandboxes = new Proxy(inner.sandboxes, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        reached.push(String(name));
        return method.apply(target, args);
      };
    },
  });
  const core = new Proxy(inner, {
    get: (target, name) => (name === 'sandboxes' ? sandboxes : Reflect.get(target, name)),
  });
  place = await serveSecurely(core, { list: { tokens: [root, mine] }, clock });
  await inner.sandboxes.create({ ...ref, spec: { image: 'host', command: ['sleep', '1000'] } });
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await inner.close();
});

/** Two looks of the core long. */
const looked = (): Promise<void> => new Promise((resolve) => clock.after(2_500, () => resolve()));

/** Takes the token back, and waits until the core has seen that. */
async function takeBack(): Promise<void> {
  await place.client({ token: MINE }).sandboxes.get(ref);
  reached = [];
  writeFileSync(place.tokenFile, JSON.stringify({ tokens: [root] }));
  await looked();
}

async function connection(): Promise<TLSSocket> {
  const [host, port] = place.servers.http[0]!.split(':');
  const socket = connectTls({ host, port: Number(port), ca: readFileSync(place.authority.ca) });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function statusOf(socket: TLSSocket): Promise<string> {
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1').slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
}

/** The head of a request whose body is still to come. */
const headOf = (path: string, type: string, body: Buffer, ...more: string[]): string =>
  [
    ...[`POST ${path} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${MINE}`],
    ...[`Content-Type: ${type}`, `Content-Length: ${body.length}`, ...more, '', ''],
  ].join('\r\n');

const json = Buffer.from('{"signal":"SIGTERM"}');

describe('a token that is taken back before the question is whole', () => {
  it.each([
    ['a method over HTTP', service.createSandbox.path, PROTOBUF, create],
    ['REST', '/api/v1/sandboxes/default/box/signal', 'application/json', json],
  ] as const)('does nothing any more: %s', async (_, path, type, body) => {
    const socket = await connection();
    const answer = statusOf(socket);
    socket.write(headOf(path, type, body));
    socket.write(body.subarray(0, 4));
    await takeBack();
    socket.write(body.subarray(4));
    expect(await answer).toBe('401');
    await looked();
    expect(reached).toEqual([]);
  });

  it.each([
    ['nothing of it', 0],
    ['all but its end', create.length + 5],
  ])('does nothing any more over gRPC, when there was %s', async (_, early) => {
    const session = connectHttp2(`https://${place.servers.grpc[0]}`, {
      ca: readFileSync(place.authority.ca),
    });
    const stream = session.request({
      ...{ ':method': 'POST', ':path': service.createSandbox.path },
      ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${MINE}` },
    });
    stream.on('error', () => {});
    const head = Buffer.alloc(5);
    head.writeUInt32BE(create.length, 1);
    const message = Buffer.concat([head, create]);
    stream.write(message.subarray(0, early));
    const ended = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    await takeBack();
    stream.end(message.subarray(early));
    const [headers] = await ended;
    expect(headers['grpc-status']).toBe(UNAUTHENTICATED);
    await looked();
    expect(reached).toEqual([]);
    session.destroy();
  });
});

it('a method over HTTP ends with its time, also while its body is coming', async () => {
  const body = service.waitSandbox.requestSerialize({ sandboxName: 'box', namespace: 'default' });
  const socket = await connection();
  const answer = statusOf(socket);
  socket.write(headOf(service.waitSandbox.path, PROTOBUF, body, 'grpc-timeout: 200m'));
  await looked();
  socket.write(body);
  expect(await answer).toBe('504');
  expect(reached).toEqual([]);
});
