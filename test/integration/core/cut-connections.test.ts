import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { channels, encodeFrame, encodeResize, encodeSignal } from '../../../src/core/wire/stream/frames.ts';
import { webSocketFrame, webSocketHead } from '../../fuzz/raw-clients.ts';
import { refusingCore } from '../../fuzz/refusing-core.ts';
import { deleteSandboxes } from '../../helpers/core/delete-sandboxes.ts';
import { loadProto, protoClient } from '../../helpers/core/proto-client.ts';
import { type ScriptedCore, startScriptedCore } from '../../helpers/core/scripted-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const box = { namespace: 'default', name: 'box' };
const spec = {
  image: 'host',
  command: ['sleep', '1000'],
  user: 'root',
  working_dir: '/',
  envs: { PATH: '/usr/bin:/bin' },
};
/** Milliseconds for which a stream waits for its client to come back over a unix socket. */
const PATIENCE = 2_000;

/** No timer of the core or its servers falls due by itself: what is pending is what somebody holds. */
const clock = createManualClock();
let core: ScriptedCore;
let served: ServedCore;

beforeAll(async () => {
  core = await startScriptedCore({ capacity: { max: 4 } }, clock);
  const { sandboxes, pools } = core;
  served = await serveAndConnect(Object.assign(refusingCore(), { sandboxes, pools }), 'unix', { clock });
});
afterAll(async () => {
  await served.close();
  await core[Symbol.asyncDispose]();
});

async function held() {
  const { instances, driver, counts } = core.fake;
  const stats = await Promise.all(instances.map((id) => driver.stats(id)));
  const [status] = await core.pools.status();
  return {
    instances: counts.live + counts.booting,
    claimed: status?.claimed ?? 0,
    processes: stats.reduce((sum, { pids }) => sum + pids, 0),
    timers: clock.pending,
  };
}

const pathOf = ([address]: readonly string[]): string => address!.slice('unix://'.length);

async function open(path: string): Promise<Socket> {
  const socket = createConnection(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function sayAndVanish(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.destroy();
}

/** What nobody waits for any more may be going by itself. */
const deleteAll = (): Promise<void> => deleteSandboxes(core.sandboxes);

/** All that a real client says in one call, byte by byte. */
async function recorded(method: string, request: object): Promise<Buffer> {
  const said: Buffer[] = [];
  const recorder = createServer(async (client) => {
    const server = await open(pathOf(served.servers.grpc));
    client.on('error', () => {}).on('data', (data) => said.push(data));
    client.pipe(server).pipe(client);
  });
  recorder.listen(0, '127.0.0.1');
  await once(recorder, 'listening');
  const { port } = recorder.address() as AddressInfo;
  const proto = loadProto('proto/fastpath/v1/fastpath.proto');
  const client = protoClient(`127.0.0.1:${port}`, proto, 'fastpath.v1.FastPathService');
  await client.call(method, request);
  client.close();
  recorder.close();
  await once(recorder, 'close');
  return Buffer.concat(said);
}

it('a create over gRPC that is cut at any byte, or when it is answered, leaves nothing behind', async () => {
  const { image, command, user, working_dir, envs } = spec;
  const bytes = await recorded('CreateSandbox', { ...box, image, command, user, working_dir, envs });
  await deleteAll();
  const before = await held();
  expect(before).toMatchObject({ instances: 0, claimed: 0, processes: 0 });
  const path = pathOf(served.servers.grpc);
  for (let cut = 0; cut <= bytes.length; cut++) {
    await sayAndVanish(await open(path), bytes.subarray(0, cut));
    await deleteAll();
  }
  const answered = await open(path);
  answered.write(bytes);
  await expect.poll(async () => (await core.sandboxes.list({})).length).toBe(1);
  answered.destroy();
  await expect
    .poll(async () => {
      await deleteAll();
      return held();
    })
    .toEqual(before);
});

/** What a client says to a command that runs. */
const said = Buffer.concat([
  webSocketFrame(encodeFrame(channels.stdin, Buffer.from('hello\n'))),
  webSocketFrame(encodeResize({ rows: 1, cols: 1 })),
  webSocketFrame(encodeSignal(23)),
  webSocketFrame(Buffer.alloc(0), 9),
  webSocketFrame(encodeFrame(channels.close, Buffer.of(channels.stdin))),
  webSocketFrame(Buffer.from([3, 232]), 8),
]);

it.each([
  ['ends it', () => '', 0],
  [
    'ends it when its client has not come back in time',
    (cut: number) => `&resume=${String(cut).padStart(22, 'x')}`,
    PATIENCE,
  ],
] as const)(
  'an exec that is cut at any byte while its command runs %s, and leaves nothing behind',
  async (_, resume, patience) => {
    await core.sandboxes.create({ ...box, spec });
    const before = await held();
    const query = 'command=sh&command=-c&command=echo+ready;cat&stdin=1';
    for (let cut = 0; cut <= said.length; cut++) {
      const socket = await open(pathOf(served.servers.http));
      let heard = '';
      const ready = new Promise<void>((resolve) => {
        socket.on('data', (data) => {
          heard += data.toString('latin1');
          if (heard.includes('ready\n')) resolve();
        });
      });
      socket.write(webSocketHead(`/api/v1/sandboxes/default/box/exec?${query}${resume(cut)}`));
      await ready;
      await sayAndVanish(socket, said.subarray(0, cut));
    }
    if (patience > 0) expect((await held()).processes).toBeGreaterThan(before.processes);
    await clock.advance(patience);
    await expect.poll(held).toEqual(before);
    await deleteAll();
  },
);
