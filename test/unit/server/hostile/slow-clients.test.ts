/** Clients that begin and do not go on, on every listener: others are served meanwhile, and these are dropped. */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectCore } from '../../../../src/core/client/connect-core.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { http2Preface } from '../../../fuzz/raw-clients.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, TOKEN } from '../../../helpers/core/secure-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

/** Forty milliseconds of the core's clock are one; Node's own limits for heads of HTTP stay as they are. */
const clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 40,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 40, callback),
};
const EACH = 3;

const head = (line: string, ...more: string[]): string =>
  [line, 'Host: 127.0.0.1', ...more, '', ''].join('\r\n');
const half = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ';
const withHead = head(
  'POST /api/v1/pools HTTP/1.1',
  'Content-Type: application/json',
  'Content-Length: 1000',
);

/** Says a byte now and then, as long as it may. @returns resolves when it was dropped */
function trickle(socket: Socket, first: string | Buffer): Promise<unknown> {
  socket.on('error', () => {});
  socket.resume();
  if (first.length > 0) socket.write(first);
  const drip = setInterval(() => first.length > 0 && socket.write('x'), 200);
  // However it was dropped.
  return new Promise((resolve) => socket.once('close', resolve)).finally(() => clearInterval(drip));
}

const port = (address: string): number => Number(address.split(':').at(-1));

describe('in the clear', () => {
  let inner: HostCore;
  let served: ServedCore;
  beforeEach(async () => {
    inner = hostCore();
    const limits = { 'grpc.keepalive_time_ms': 300, 'grpc.keepalive_timeout_ms': 200 };
    served = await serveAndConnect(inner, 'tcp', { metrics: '127.0.0.1:0', clock, limits });
  });
  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  it('all of them at once', { timeout: 60_000 }, async () => {
    const { servers } = served;
    const begun: [address: string, first: string | Buffer][] = [
      ...['', half, withHead].map((first): [string, string] => [servers.http[0]!, first]),
      ...['', half].map((first): [string, string] => [servers.metrics, first]),
      ...['', http2Preface.subarray(0, 40)].map((first): [string, string | Buffer] => [
        servers.grpc[0]!,
        first,
      ]),
    ];
    const dropped = begun.flatMap(([address, first]) =>
      Array.from({ length: EACH }, () => trickle(connectTcp(port(address), '127.0.0.1'), first)),
    );
    await othersAreServed();
    await Promise.all(dropped);
  });

  async function othersAreServed(): Promise<void> {
    const { grpc, http, metrics } = served.servers;
    const other = connectCore({ grpc: grpc[0]!, http: http[0]! });
    expect(await other.sandboxes.list({})).toEqual([]);
    await other.close();
    const answer = await fetch(`http://${metrics}/metrics`, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
  }

  it('one that does not take its answers', { timeout: 60_000 }, async () => {
    const { metrics } = served.servers;
    // Each from an address of its own: of one no more would be answered.
    const sockets = Array.from({ length: EACH }, (_, n) =>
      connectTcp({ port: port(metrics), host: '127.0.0.1', localAddress: `127.0.1.${n + 1}` }).on(
        'error',
        () => {},
      ),
    );
    const ends = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    // More than the kernel keeps for who does not read, and no more at a time than an address may ask.
    const ask = head('GET /metrics HTTP/1.1').repeat(100);
    for (const socket of sockets) socket.pause().write(ask);
    // A socket that is not read hears of its end when it writes.
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(ask);
    }, 200);
    await Promise.all(ends);
    clearInterval(drip);
  });
});

describe('over TLS', () => {
  let inner: HostCore;
  let place: SecureCore;
  beforeEach(async () => {
    inner = hostCore();
    place = await serveSecurely(inner, { clock });
  });
  afterEach(async () => {
    await place[Symbol.asyncDispose]();
    await inner.close();
  });

  const stranger = (address: string, first: string | Buffer): Promise<unknown> => {
    const ca = readFileSync(place.authority.ca);
    const socket = connectTls({
      host: '127.0.0.1',
      port: port(address),
      ca,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    return trickle(socket, first);
  };

  it('all of them at once', { timeout: 60_000 }, async () => {
    const { grpc, http } = place.servers;
    const begun: [address: string, first: string | Buffer][] = [
      ...['', half, withHead].map((first): [string, string] => [http[0]!, first]),
      ...['', http2Preface.subarray(0, 40)].map((first): [string, string | Buffer] => [grpc[0]!, first]),
    ];
    const dropped = begun.flatMap(([address, first]) =>
      Array.from({ length: EACH }, () => stranger(address, first)),
    );
    const silent = [grpc[0]!, http[0]!].map((address) => trickle(connectTcp(port(address), '127.0.0.1'), ''));
    expect(await place.client().sandboxes.list({})).toEqual([]);
    await Promise.all([...dropped, ...silent]);
  });

  it('a body that comes byte by byte is not waited for, whoever sends it', { timeout: 60_000 }, async () => {
    await stranger(
      place.servers.http[0]!,
      withHead.replace('Host:', `Authorization: Bearer ${TOKEN}\r\nHost:`),
    );
    expect(await place.client().sandboxes.list({})).toEqual([]);
  });
});
