import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type OpenStream, openStream } from '../../helpers/core/open-stream.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

/** Port-forward byte by byte, to real servers in a sandbox without a network. */

const servers = `
import socket, threading
def serve(port, talk):
    listener = socket.create_server(('127.0.0.1', port))
    def each(one):
        with one: talk(one)
    def accept():
        while True: threading.Thread(target=each, args=(listener.accept()[0],)).start()
    threading.Thread(target=accept).start()
def echo(one):
    while data := one.recv(65536): one.sendall(data)
def greet(one):
    one.sendall(b'hello'); one.shutdown(socket.SHUT_WR)
    size = 0
    while data := one.recv(65536): size += len(data)
    print(f'after goodbye {size}', flush=True)
def flood(one):
    one.sendall(bytes(20_000_000))
    print('flooded', flush=True)
for port, talk in {7: echo, 8: greet, 9: flood}.items(): serve(port, talk)
print('ready', flush=True)
`;

const box = { namespace: 'default', name: 'box' };
const little = (port: number): Buffer => Buffer.of(port & 255, port >> 8);
let core: RealCore;

beforeAll(async () => {
  core = await startRealCore();
  const command = ['python3', '-c', servers];
  await core.running.api.sandboxes.create({ ...box, spec: { image: 'host', network: 'none', command } });
  await printed('ready');
});
afterAll(() => core.close());

/** Resolves when the servers have printed it. */
async function printed(text: string): Promise<void> {
  const query = { follow: true, stdout: true, stderr: true };
  let log = '';
  for await (const { data } of core.running.api.sandboxes.logs(box, query)) {
    log += data;
    if (log.includes(text)) return;
  }
  throw new Error(`the servers have ended: ${log}`);
}

async function open(query: string, protocol: string | undefined, name = 'box'): Promise<OpenStream> {
  const http = [core.running.status.http.replace('http://', '')];
  const stream = openStream({ http }, `sandboxes/default/${name}/portforward?${query}`, protocol);
  await once(stream.ws, 'open');
  return stream;
}
const on = (channel: number, data: Buffer | string): Buffer =>
  Buffer.concat([Buffer.of(channel), Buffer.from(data)]);

async function until({ ws }: OpenStream, check: () => boolean): Promise<void> {
  while (!check()) await once(ws, 'message');
}

describe('port-forward with fsb.v1', () => {
  it('carries a connection, whose halves end each by itself', async () => {
    const stream = await open('port=7', 'fsb.v1');
    const sent = Buffer.alloc(300_000, 'abc');
    for (let at = 0; at < sent.length; at += 60_000) stream.ws.send(on(0, sent.subarray(at, at + 60_000)));
    stream.ws.send(Buffer.of(255, 0));
    expect(await stream.closed).toEqual({ code: 1000, reason: '' });
    expect(stream.received.get(1)!.equals(sent)).toBe(true);
    expect(stream.received.get(255)).toEqual(Buffer.of(1));
    expect(JSON.parse(String(stream.received.get(3)))).toMatchObject({ status: 'Success' });
    expect(JSON.parse(String(stream.received.get(16)))).toEqual({ window: 262_144 });
  });

  it('tells of the half-close of the other side, and goes on with this one', async () => {
    const stream = await open('port=8', 'fsb.v1');
    await until(stream, () => stream.received.has(255));
    expect(String(stream.received.get(1))).toBe('hello');
    stream.ws.send(on(0, '1234567'));
    stream.ws.send(Buffer.of(255, 0));
    expect(await stream.closed).toMatchObject({ code: 1000 });
    await printed('after goodbye 7');
  });

  it('goes on over another connection', async () => {
    const key = 'abcdefghijklmnopqrstuvwx';
    const first = await open(`port=7&resume=${key}`, 'fsb.v1');
    await until(first, () => first.received.has(16));
    first.ws.terminate();
    const http = [core.running.status.http.replace('http://', '')];
    const second = openStream({ http }, `streams/${key}?received=1`, 'fsb.v1');
    await once(second.ws, 'open');
    second.ws.send(on(0, 'still here'));
    second.ws.send(Buffer.of(255, 0));
    expect(await second.closed).toMatchObject({ code: 1000 });
    expect(String(second.received.get(1))).toBe('still here');
  });

  it('holds a port back whose data the client does not take', async () => {
    const stream = await open('port=9&window=65536', 'fsb.v1');
    await until(stream, () => (stream.received.get(1)?.length ?? 0) >= 65_536);
    // Whoever asks now is answered after all that was on its way.
    await core.remote.sandboxes.get(box);
    expect(stream.received.get(1)!.length).toBeLessThan(300_000);
    const acknowledgement = Buffer.alloc(9, 0);
    acknowledgement[0] = 18;
    let credited = 0;
    stream.ws.on('message', (message: Buffer) => {
      if (message[0] === 1) credited += message.length;
      acknowledgement.writeBigUInt64BE(BigInt(credited), 1);
      stream.ws.send(acknowledgement);
    });
    credited = stream.received.get(1)!.length + 1;
    acknowledgement.writeBigUInt64BE(BigInt(credited), 1);
    stream.ws.send(acknowledgement);
    await printed('flooded');
    stream.ws.close(1000);
    await stream.closed;
  });

  it.each([
    ['port=80', 'box', 4409, 'cannot connect to port 80: Connection refused'],
    ['port=7', 'nobody', 4404, 'nobody'],
    ['port=0', 'box', 4400, '"0" is no port'],
    ['port=x', 'box', 4400, '"x" is no port'],
    ['', 'box', 4400, '0 ports'],
    ['port=7&port=8', 'box', 4400, 'one port'],
    ['prot=7', 'box', 4400, 'prot'],
  ])('says what is wrong with %s of %s', async (query, name, code, reason) => {
    const stream = await open(query, 'fsb.v1', name);
    expect(await stream.closed).toEqual({ code, reason: expect.stringContaining(reason) });
    expect(JSON.parse(String(stream.received.get(3)))).toMatchObject({ status: 'Failure' });
  });

  it('takes nothing but bytes and their end', async () => {
    const stream = await open('port=7', 'fsb.v1');
    stream.ws.send(Buffer.of(17, 9));
    expect(await stream.closed).toMatchObject({ code: 1002, reason: expect.stringContaining('channel 17') });
  });
});

describe.each(['v4.channel.k8s.io', 'v5.channel.k8s.io', undefined])('port-forward with %s', (protocol) => {
  it('has two channels for each port, which begin with its number', async () => {
    const stream = await open('ports=7&ports=8', protocol);
    stream.ws.send(on(0, 'over here'));
    await until(stream, () => (stream.received.get(0)?.length ?? 0) >= 11);
    await until(stream, () => (stream.received.get(2)?.length ?? 0) >= 7);
    expect(stream.received.get(0)).toEqual(Buffer.concat([little(7), Buffer.from('over here')]));
    expect(stream.received.get(2)).toEqual(Buffer.concat([little(8), Buffer.from('hello')]));
    expect(stream.received.get(1)).toEqual(little(7));
    expect(stream.received.get(3)).toEqual(little(8));
    stream.ws.send(Buffer.of(255, 0));
    expect(await stream.closed).toEqual({ code: 1000, reason: '' });
  });

  it('ends when the port has ended', async () => {
    const stream = await open('ports=8', protocol);
    expect(await stream.closed).toEqual({ code: 1000, reason: '' });
    expect(String(stream.received.get(0)!.subarray(2))).toBe('hello');
  });

  it('tells on the second channel what went wrong, and the other port goes on', async () => {
    const stream = await open('ports=80,7', protocol);
    await until(stream, () => (stream.received.get(1)?.length ?? 0) > 2);
    expect(String(stream.received.get(1)!.subarray(2))).toBe(
      'error forwarding port 80: cannot connect to port 80: Connection refused',
    );
    stream.ws.send(on(2, 'x'));
    await until(stream, () => stream.received.get(2)?.length === 3);
    stream.ws.send(Buffer.of(255, 2));
    expect(await stream.closed).toMatchObject({ code: 4409, reason: expect.stringContaining('refused') });
  });

  it('holds back a port whose client does not read', async () => {
    const stream = await open('ports=9', protocol);
    stream.ws.pause();
    const { rss } = process.memoryUsage();
    for (let i = 0; i < 20; i++) await core.remote.sandboxes.get(box);
    expect(process.memoryUsage().rss - rss).toBeLessThan(16_000_000);
    stream.ws.resume();
    expect(await stream.closed).toMatchObject({ code: 1000 });
    expect(stream.received.get(0)!.length).toBe(20_000_002);
  });

  it.each([
    [1, 'channel 1'],
    [2, 'channel 2'],
    [4, 'channel 4'],
  ])('refuses a frame for channel %i', async (channel, reason) => {
    const stream = await open('ports=7', protocol);
    stream.ws.send(on(channel, 'x'));
    expect(await stream.closed).toMatchObject({ code: 1002, reason: expect.stringContaining(reason) });
  });

  it.each([
    ['ports=65536', 4400, 'no port'],
    [`ports=${Array(33).fill(7)}`, 4400, '33 ports'],
  ])('refuses %s', async (query, code, reason) => {
    const stream = await open(query, protocol);
    expect(await stream.closed).toEqual({ code, reason: expect.stringContaining(reason) });
    expect(stream.received.size).toBe(0);
  });
});

it('a client that vanished takes its connection with it', async () => {
  const stream = await open('ports=7', undefined);
  stream.ws.send(on(0, 'x'));
  await until(stream, () => stream.received.get(0)?.length === 3);
  expect(stream.ws.readyState).toBe(WebSocket.OPEN);
  stream.ws.terminate();
  await stream.closed;
});

it('nobody is known by their user over TCP while a sandbox shares the network: it is root there, too', async () => {
  const { http } = core.running.status;
  const { sandboxes } = core.running.api;
  const ask = async (): Promise<number> =>
    (await fetch(`${http}/stats`, { headers: { connection: 'close' } })).status;
  expect(await ask()).toBe(200);
  const script = `
import urllib.request, urllib.error
try: print(urllib.request.urlopen('${http}/api/v1/sandboxes').status, flush=True)
except urllib.error.HTTPError as error: print(error.code, error.read().decode(), flush=True)
input()`;
  const near = { namespace: 'default', name: 'near' };
  const spec = { image: 'host', network: 'host' as const, command: ['python3', '-c', script], stdin: true };
  await sandboxes.create({ ...near, spec });
  let said = '';
  for await (const { data } of sandboxes.logs(near, { follow: true, stdout: true, stderr: true })) {
    said += data;
    if (said.includes('\n')) break;
  }
  expect(said).toMatch(/^403 .*a sandbox shares the network of this machine/);
  expect(await ask()).toBe(403);
  expect((await core.remote.sandboxes.get(near)).name).toBe('near');
  await sandboxes.delete(near, { grace: 0 });
  expect(await ask()).toBe(200);
});
