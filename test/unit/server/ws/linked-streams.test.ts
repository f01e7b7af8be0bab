import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { CarrierEvents } from '../../../../src/core/server/ws/carrier.ts';
import { HeldStreams } from '../../../../src/core/server/ws/held-streams.ts';
import { channels, encodeFrame, encodeSignal } from '../../../../src/core/wire/stream/frames.ts';
import { Link } from '../../../../src/core/wire/stream/link.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { openStream } from '../../../helpers/core/open-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const KEY = 'abcdefghijklmnopqrstuv';
const OWN = 'fsb.v1';
const box = { namespace: 'default', name: 'box' };

let inner: HostCore;
let served: ServedCore;

beforeEach(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'tcp');
  await served.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
});

afterEach(async () => {
  await served.close();
  await inner.close();
});

const exec = (command: string, resume = KEY) => {
  const query = new URLSearchParams({ stdin: 'true', resume });
  for (const word of ['sh', '-c', command]) query.append('command', word);
  return openStream(served.servers, `sandboxes/default/box/exec?${query}`, OWN);
};
const goOn = (received: number, key = KEY, protocol = OWN) =>
  openStream(served.servers, `streams/${key}?received=${received}`, protocol);

const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await setImmediate();
};

/** How many numbered frames came over a connection. */
function counted(ws: WebSocket): { frames: number } {
  const count = { frames: 0 };
  ws.on('message', (message: Buffer) => {
    if (message[0] !== channels.ack && message[0] !== channels.received) count.frames += 1;
  });
  return count;
}

it.each([
  ['unix', 2_000],
  ['tcp', 30_000],
] as const)('a client over %s may come back for %i ms, and no longer', async (transport, patience) => {
  const clock = createManualClock();
  const streams = new HeldStreams(clock, 9);
  const carrier = streams.hold(KEY, 'local', transport, { take: () => {}, close: () => {} } as never);
  let vanish = (): void => {};
  const socket = { use: ({ onGone }: CarrierEvents) => (vanish = () => onGone(true)) };
  carrier.begin(socket as never);
  let isGone = false;
  carrier.use({ onFrame: () => {}, onGone: () => (isGone = true) } as never);
  vanish();
  await clock.advance(patience - 1);
  expect(isGone).toBe(false);
  expect(() => streams.assertFree(KEY)).toThrow('there is a stream of this key');
  await clock.advance(1);
  expect(isGone).toBe(true);
  streams.assertFree(KEY);
  expect(clock.pending).toBe(0);
});

describe('a stream whose client may come back', () => {
  it('goes on over a second connection, also when the first one is still there', async () => {
    const first = exec('echo one; cat; exit 3');
    const count = counted(first.ws);
    await until(() => String(first.received.get(channels.stdout)) === 'one\n');
    const second = goOn(count.frames);
    await once(second.ws, 'open');
    expect(await first.closed).toMatchObject({ code: 1001 });
    second.ws.send(encodeFrame(channels.stdin, Buffer.from('two\n')));
    second.ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect(await second.closed).toMatchObject({ code: 1000 });
    expect(String(second.received.get(channels.stdout))).toBe('two\n');
    expect(String(second.received.get(channels.status))).toContain('"code":3');
    expect(second.received.get(channels.received)!.readBigUInt64BE()).toBe(0n);
  });

  it('delivers what was sent while nobody was there, and the end, to a client that missed all of it', async () => {
    const first = exec('sleep 0.2; echo late; exit 4');
    await once(first.ws, 'open');
    first.ws.terminate();
    await until(() => inner.openSessions.size === 0);
    const second = goOn(0);
    expect(await second.closed).toMatchObject({ code: 1000 });
    expect([...second.received.keys()].sort((a, b) => a - b)).toEqual(
      [channels.stdout, channels.status, channels.started, channels.ack, channels.received].sort(
        (a, b) => a - b,
      ),
    );
    expect(String(second.received.get(channels.stdout))).toBe('late\n');
    // It has everything now.
    await expect(goOn(0).closed).rejects.toThrow('404');
  });

  it('acknowledges signals at once, so that they are not sent again', async () => {
    const stream = exec('trap "echo got it" USR1; echo ready; while :; do sleep 0.05; done');
    await until(() => String(stream.received.get(channels.stdout)) === 'ready\n');
    stream.ws.send(encodeSignal(10));
    await until(() => (stream.received.get(channels.ack)?.length ?? 0) > 0);
    expect(stream.received.get(channels.ack)!.readBigUInt64BE(8)).toBe(1n);
    stream.ws.send(encodeSignal(9));
    await stream.closed;
  });

  it('refuses a client that says it received more than there was, and one that speaks another protocol', async () => {
    const first = exec('sleep 1000');
    await until(() => first.received.has(channels.started));
    expect(await goOn(0, KEY, 'v5.channel.k8s.io').closed).toMatchObject({ code: 1002 });
    expect(await goOn(7).closed).toMatchObject({ code: 1002 });
    expect(first.ws.readyState).toBe(first.ws.OPEN);
    first.ws.close(1000);
    await until(() => inner.openSessions.size === 0);
  });

  it.each([
    ['an unknown key', () => goOn(0, 'zzzzzzzzzzzzzzzzzzzzzzzz'), '404'],
    ['no count', () => openStream(served.servers, `streams/${KEY}`, OWN), '400'],
    ['a key that is too short', () => exec('true', 'short'), '400'],
  ])('refuses %s', async (_, open, status) => {
    await expect(open().closed).rejects.toThrow(status);
  });

  it('refuses a key that is in use', async () => {
    const first = exec('sleep 1000');
    await until(() => first.received.has(channels.started));
    await expect(exec('true').closed).rejects.toThrow('409');
    first.ws.close(1000);
    await until(() => inner.openSessions.size === 0);
    const again = exec('exit 0');
    expect(await again.closed).toMatchObject({ code: 1000 });
  });
});

describe('the link', () => {
  it('keeps what was sent until it was received, and no longer', () => {
    const link = new Link();
    const frames = ['a', 'b', 'c'].map((text) => encodeFrame(channels.stdout, Buffer.from(text)));
    for (const frame of frames) link.outgoing(frame);
    expect([...link.again(1)]).toEqual(frames.slice(1));
    expect([...link.again(1)]).toEqual(frames.slice(1));
    expect(() => link.again(4)).toThrow('never sent');
    expect([...link.again(3)]).toEqual([]);
  });
});
