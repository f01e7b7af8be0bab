import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../../src/core/api/sandbox-api.ts';
import type { CoreEvent, EventQuery } from '../../../src/core/model/event.ts';
import { errorOf } from '../../contract/workbench.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { LogFollower } from '../../helpers/core/log-followers.ts';
import { loadProto, protoClient } from '../../helpers/core/proto-client.ts';
import { serveAndConnect } from '../../helpers/core/served-core.ts';

/** Counts who reads events. */
function counting(inner: HostCore) {
  const { events } = inner.system;
  let open = 0;
  return {
    core: {
      ...inner,
      system: {
        ...inner.system,
        async *events(query: EventQuery, options?: CallOptions): AsyncGenerator<CoreEvent> {
          open += 1;
          try {
            yield* events(query, options);
          } finally {
            open -= 1;
          }
        },
      },
    },
    open: () => open,
  };
}

/** Passes a connection on until it is silenced: then both ends hear nothing, and no end of it. */
async function silentProxy(port: number) {
  let silent = false;
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const core = connect(port, '127.0.0.1');
    sockets.push(client, core);
    for (const [from, to] of [
      [client, core],
      [core, client],
    ] as const) {
      from.on('error', () => {});
      from.on('data', (data) => silent || to.write(data));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence: () => {
      silent = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('limits of gRPC', () => {
  it('a peer that is dead without a word is noticed, and what it held is free', async () => {
    const inner = hostCore();
    const { core, open } = counting(inner);
    const limits = { 'grpc.keepalive_time_ms': 100, 'grpc.keepalive_timeout_ms': 100 };
    const served = await serveAndConnect(core, 'tcp', { limits });
    const proxy = await silentProxy(Number(served.servers.grpc[0]!.split(':')[1]));
    const system = protoClient(proxy.address, loadProto('proto/fsb/v1/system.proto'), 'fsb.v1.SystemService');
    const watch = system.stream('Watch', {});
    watch.on('error', () => {});
    await expect.poll(open).toBe(1);
    proxy.silence();
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
    watch.cancel();
    system.close();
    proxy.close();
    await served.close();
    await inner.close();
  });

  it('streams beyond the most of one connection wait until another one ends', async () => {
    const inner = hostCore();
    const { core, open } = counting(inner);
    const served = await serveAndConnect(core, 'tcp', { limits: { 'grpc.max_concurrent_streams': 3 } });
    const session = connectHttp2(`http://${served.servers.grpc[0]!}`);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(3);
    const streams = [1, 2, 3, 4].map(() => watchOver(session));
    await expect.poll(open).toBe(3);
    streams[0]!.close();
    await expect.poll(() => streams.slice(1).every(({ pending }) => !pending)).toBe(true);
    await expect.poll(open).toBe(3);
    for (const stream of streams) stream.close();
    await expect.poll(open).toBe(0);
    session.close();
    await served.close();
    await inner.close();
  });
});

/** An empty request, and no end of its answers. */
function watchOver(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': '/fsb.v1.SystemService/Watch' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  });
  stream.on('error', () => {});
  stream.resume();
  stream.end(Buffer.alloc(5));
  return stream;
}

describe('connections of a listener', () => {
  it.each(['unix', 'tcp'] as const)(
    'are left for calls: streams beyond are refused over %s, and taken again later',
    async (way) => {
      const inner = hostCore();
      const box = { namespace: 'default', name: 'box' };
      await inner.sandboxes.create({
        ...box,
        spec: { image: 'host', command: ['sh', '-c', 'echo hi; sleep 1000'] },
      });
      const served = await serveAndConnect(inner, way, { mostWithStreams: 20 });
      const open: LogFollower[] = [];
      const next = async (): Promise<void> => {
        const follower = new LogFollower(served.core, box);
        await follower.until('hi\n');
        open.push(follower);
      };
      const refusal = await errorOf(
        (async () => {
          for (;;) await next();
        })(),
      );
      expect(refusal).toMatchObject({
        ...{
          code: 'no_capacity',
          message: expect.stringMatching(/^2\d connections are open here, too many/),
        },
        hint: expect.stringContaining('Try again'),
      });
      expect(open.length).toBeGreaterThan(15);
      expect(await served.core.sandboxes.list({})).toHaveLength(1);
      for (const follower of open.splice(0, 10)) await follower.close();
      await expect.poll(() => next().then(() => 'taken', String)).toBe('taken');
      for (const follower of open) await follower.close();
      await served.close();
      await inner.close();
    },
  );
});
