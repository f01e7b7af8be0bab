import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { subprotocols } from '../../../../src/core/wire/stream/frames.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type OpenStream, openStream } from '../../../helpers/core/open-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

/** Streams as clients see them that know nothing of this project: the numbers are those of the protocol. */

const [STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE] = [0, 1, 2, 3, 4, 255];
const v4 = 'v4.channel.k8s.io';
const foreign = [['v5.channel.k8s.io'], [v4], [undefined]] as const;

let inner: HostCore;
let served: ServedCore;

beforeEach(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'tcp');
  await create('box', 'cat; sleep 1000', { stdin: true });
});
afterEach(async () => {
  await served.close();
  expect(inner.openSessions.size).toBe(0);
  await inner.close();
});

const create = (name: string, script: string, more: object = {}) =>
  inner.sandboxes.create({
    ...{ namespace: 'default', name },
    spec: { image: 'host', command: ['sh', '-c', script], ...more },
  });

async function open(path: string, protocol: string | undefined): Promise<OpenStream> {
  const stream = openStream(served.servers, `sandboxes/default/${path}`, protocol);
  await once(stream.ws, 'open');
  return stream;
}
const exec = (script: string, protocol: string | undefined, more = ''): Promise<OpenStream> =>
  open(
    `box/exec?${new URLSearchParams([
      ['command', 'sh'],
      ['command', '-c'],
      ['command', script],
    ])}${more}`,
    protocol,
  );

const message = (channel: number, text: string): Buffer => Buffer.from([channel, ...Buffer.from(text)]);
const text = ({ received }: OpenStream, channel: number): string => String(received.get(channel) ?? '');
const status = (stream: OpenStream): unknown => JSON.parse(text(stream, STATUS!));
const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await setImmediate();
};

describe.each(foreign)('exec with the subprotocol %s', (protocol) => {
  it('carries input, both outputs, and the code as kubectl reads it', async () => {
    const stream = await exec(
      'head -c 5; echo err >&2; exit 4',
      protocol,
      '&stdin=true&stdout=true&stderr=true',
    );
    expect(stream.ws.protocol).toBe(protocol ?? '');
    stream.ws.send(message(STDIN!, 'hello'));
    expect(await stream.closed).toEqual({ code: 1000, reason: '' });
    expect(text(stream, STDOUT!)).toBe('hello');
    expect(text(stream, STDERR!)).toBe('err\n');
    expect(status(stream)).toMatchObject({
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NonZeroExitCode' },
      message: 'command terminated with non-zero exit code: exit status 4',
      details: { causes: [{ reason: 'ExitCode', message: '4' }] },
    });
    expect([...stream.received.keys()].sort()).toEqual([STDOUT, STDERR, STATUS]);
  });

  it('says Success, and nothing of a cause', async () => {
    const stream = await exec('exit 0', protocol);
    expect(await stream.closed).toMatchObject({ code: 1000 });
    expect(status(stream)).toMatchObject({ status: 'Success' });
    expect(status(stream)).not.toHaveProperty('details');
  });

  it('ends the input when channel 255 says so', async () => {
    const stream = await exec('cat; echo end', protocol, '&stdin=true');
    stream.ws.send(message(STDIN!, 'all of it\n'));
    stream.ws.send(Buffer.of(CLOSE!, STDIN!));
    await stream.closed;
    expect(text(stream, STDOUT!)).toBe('all of it\nend\n');
  });

  it.each(['{"Width":132,"Height":43}', '{"height":43,"width":132}'])(
    'sets the size from %s',
    async (size) => {
      const script = 'until stty size | grep "43 132"; do sleep 0.02; done';
      const stream = await exec(script, protocol, '&tty=true');
      // The terminal of this stand-in is not there at once.
      while (stream.ws.readyState === WebSocket.OPEN) {
        stream.ws.send(message(RESIZE!, size));
        await sleep(10);
      }
      expect(text(stream, STDOUT!)).toContain('43 132');
      expect([...stream.received.keys()]).not.toContain(STDERR);
    },
  );

  it('takes text for bytes: some clients send what is text as text', async () => {
    const stream = await exec('head -c 6', protocol, '&stdin=true');
    stream.ws.send('\0häns\n', { binary: false });
    await stream.closed;
    expect(text(stream, STDOUT!)).toBe('häns\n');
  });

  it.each([
    ['stdout=true&stderr=false', [STDOUT]],
    ['stdout=false&stderr=true', [STDERR]],
  ])('sends nothing that the client did not want: %s', async (query, wanted) => {
    const stream = await exec('echo out; echo err >&2', protocol, `&${query}`);
    expect(await stream.closed).toMatchObject({ code: 1000 });
    expect([...stream.received.keys()].filter((channel) => channel !== STATUS)).toEqual(wanted);
  });

  it('tells of a death by a signal in the words of a shell', async () => {
    const stream = await exec('kill -9 $$', protocol);
    await stream.closed;
    expect(status(stream)).toMatchObject({
      details: { causes: [{ reason: 'ExitCode', message: '137' }] },
      exit: { signal: 9 },
    });
  });

  it('refuses a signal, which only fsb.v1 has', async () => {
    const stream = await exec('sleep 1000', protocol);
    stream.ws.send(Buffer.of(17, 9));
    expect(await stream.closed).toMatchObject({ code: 1002, reason: expect.stringContaining('channel 17') });
    await inner.sandboxes.delete({ namespace: 'default', name: 'box' }, { grace: 0 });
  });
});

describe('attach', () => {
  it.each(foreign)('with the subprotocol %s joins the main process', async (protocol) => {
    const stream = await open('box/attach?stdin=true&stdout=true&stderr=true&tty=false', protocol);
    stream.ws.send(message(STDIN!, 'hello'));
    await until(() => text(stream, STDOUT!) === 'hello');
    stream.ws.close(1000);
    await stream.closed;
    await until(() => inner.openSessions.size === 0);
    expect(await inner.sandboxes.get({ namespace: 'default', name: 'box' })).toMatchObject({
      state: { phase: 'Running' },
    });
  });
});

describe('logs', () => {
  const script = 'echo one; echo two >&2; echo three';
  beforeEach(async () => {
    await create('job', script);
    await inner.sandboxes.wait({ namespace: 'default', name: 'job' });
  });

  it.each(foreign)('with the subprotocol %s are bytes of two channels', async (protocol) => {
    const stream = await open('job/logs?follow=true', protocol);
    expect(await stream.closed).toEqual({ code: 1000, reason: '' });
    expect(text(stream, STDOUT!)).toBe('one\nthree\n');
    expect(text(stream, STDERR!)).toBe('two\n');
    expect(status(stream)).toMatchObject({ status: 'Success' });
  });

  it.each([
    ['tail=1&stderr=false', 'three\n', ''],
    ['stdout=false', '', 'two\n'],
    ['stderr=0', 'one\nthree\n', ''],
  ])('can be a part: %s', async (query, stdout, stderr) => {
    const stream = await open(`job/logs?${query}`, undefined);
    await stream.closed;
    expect([text(stream, STDOUT!), text(stream, STDERR!)]).toEqual([stdout, stderr]);
  });

  it('have the time before each line when that is asked for', async () => {
    const stream = await open('job/logs?timestamps=true', undefined);
    await stream.closed;
    expect(text(stream, STDOUT!)).toMatch(/^(\d{4}-\d\d-\d\dT[\d:]+\.\d{6}Z (one|three)\n){2}$/);
  });

  it('take no input', async () => {
    const stream = await open('box/logs?follow=true', undefined);
    stream.ws.send(message(STDIN!, 'x'));
    expect(await stream.closed).toMatchObject({ code: 1002, reason: expect.stringContaining('to a log') });
  });
});

describe('subprotocols', () => {
  it.each([
    [
      ['v5.channel.k8s.io', v4, 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'],
      'v5.channel.k8s.io',
    ],
    [['v5.channel.k8s.io', 'fsb.v1'], subprotocols.own],
    [[v4], v4],
  ])('of %j, %s is spoken', async (offered, spoken) => {
    const ws = new WebSocket(`ws://${served.servers.http[0]}/api/v1/sandboxes/default/box/logs`, offered);
    await once(ws, 'open');
    expect(ws.protocol).toBe(spoken);
    await once(ws, 'close');
  });

  it('that nobody here speaks are refused, and it is said which ones are', async () => {
    const offered = ['base64.channel.k8s.io', 'SPDY'];
    const ws = new WebSocket(`ws://${served.servers.http[0]}/api/v1/sandboxes/default/box/logs`, offered);
    ws.on('error', () => {});
    const [request, response] = await once(ws, 'unexpected-response');
    expect(response.statusCode).toBe(400);
    const body = JSON.parse(String(Buffer.concat(await response.toArray())));
    expect(body.error).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('base64.channel.k8s.io, SPDY'),
      hint: expect.stringContaining('v5.channel.k8s.io'),
    });
    request.destroy();
  });
});
