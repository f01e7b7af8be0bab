import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_CALLER } from '../../../../src/core/model/caller.ts';
import { BodyRoom } from '../../../../src/core/server/body-room.ts';
import { Incoming, OWN_INCOMING } from '../../../../src/core/server/ws/incoming.ts';
import { execOf, finish } from '../../../contract/workbench.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type OpenStream, openStream } from '../../../helpers/core/open-stream.ts';
import { sha256 } from '../../../helpers/core/secure-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const MIB = 1024 * 1024;
/** What one caller may have of the memory for bodies and long messages. */
const SHARE = 32 * MIB;
const LONG = MIB - 1024;
const box = { namespace: 'default', name: 'box' };
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;

let inner: HostCore;
let served: ServedCore;
let directory: string;

beforeAll(async () => {
  inner = hostCore();
  directory = mkdtempSync(join(tmpdir(), 'fsb-incoming-'));
  const tokenFile = join(directory, 'tokens');
  const tokens = ['ci', 'other'].map((name) => ({ name, sha256: sha256(tokenOf(name)), scopes: ['use'] }));
  writeFileSync(tokenFile, JSON.stringify({ tokens }), { mode: 0o600 });
  served = await serveAndConnect(inner, 'tcp', { streamMemory: 256 * MIB, security: { tokenFile } });
  await served.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
});
afterAll(async () => {
  await served.close();
  await inner.close();
  rmSync(directory, { recursive: true });
});

async function exec(caller: string, protocol: string, ...command: string[]): Promise<OpenStream> {
  const query = new URLSearchParams({ stdin: 'true' });
  for (const word of command) query.append('command', word);
  const stream = openStream(served.servers, `sandboxes/default/box/exec?${query}`, protocol, {
    authorization: `Bearer ${tokenOf(caller)}`,
  });
  await once(stream.ws, 'open');
  return stream;
}

/** One after the other, until one is refused. @returns those before, whose messages are here */
async function untilRefused(begin: () => Promise<OpenStream>, most: number): Promise<OpenStream[]> {
  const open: OpenStream[] = [];
  while (open.length < most) {
    const stream = await begin();
    // What was sent before a ping has been read when it is answered; one that is held back, or refused, answers none.
    stream.ws.ping();
    await Promise.race([once(stream.ws, 'pong'), stream.closed, sleep(1000)]);
    if (stream.ws.readyState !== stream.ws.OPEN) {
      const reason = expect.stringMatching(/ci take .*as much as those of one/);
      expect(await stream.closed).toEqual({ code: 4429, reason });
      break;
    }
    open.push(stream);
  }
  return open;
}

async function end(streams: OpenStream[]): Promise<void> {
  for (const { ws } of streams) ws.terminate();
  await Promise.all(streams.map(({ closed }) => closed));
}

/** A process that takes its input, and a caller whose message is long. */
async function assertHeard(caller: string): Promise<void> {
  const stream = await exec(caller, 'v5.channel.k8s.io', 'head', '-c', String(LONG));
  stream.ws.send(Buffer.alloc(LONG + 1));
  await expect.poll(() => stream.received.get(1)?.length, { timeout: 20_000 }).toBe(LONG);
  await end([stream]);
}

describe('what has come over streams and is not consumed', () => {
  it.each([
    [
      'messages that are not whole',
      async () => {
        const stream = await exec('ci', 'fsb.v1', 'cat');
        for (let sent = 0; sent < LONG; sent += 64 * 1024)
          stream.ws.send(Buffer.alloc(Math.min(64 * 1024, LONG - sent)), { fin: false });
        return stream;
      },
    ],
    [
      'input that its process does not read',
      async () => {
        const stream = await exec('ci', 'fsb.v1', 'sleep', '1000');
        stream.ws.send(Buffer.alloc(LONG));
        return stream;
      },
    ],
    [
      'input that its process does not read, of a client without credit',
      async () => {
        const stream = await exec('ci', 'v5.channel.k8s.io', 'sleep', '1000');
        stream.ws.send(Buffer.alloc(LONG));
        return stream;
      },
    ],
  ])('is no more than the share of its caller: %s', async (_, begin) => {
    const most = Math.ceil(SHARE / (LONG - OWN_INCOMING)) + 1;
    const open = await untilRefused(begin, most + 10);
    expect(open.length).toBeLessThanOrEqual(most);
    expect(open.length).toBeGreaterThan(SHARE / MIB / 2);
    await assertHeard('other');
    const { stdout } = await finish(await served.core.sandboxes.exec(box, execOf(['echo', 'hi'])));
    expect(stdout.toString()).toBe('hi\n');
    await end(open);
    await expect.poll(() => inner.openSessions.size, { timeout: 40_000 }).toBe(0);
    await assertHeard('ci');
  });

  it('takes nothing of what is shared up to its own, and gives back what it took', () => {
    const room = new BodyRoom();
    const all = 64 * MIB;
    const [one, other] = [new Incoming(room, LOCAL_CALLER), new Incoming(room, LOCAL_CALLER)];
    one.take(OWN_INCOMING);
    other.take(all + OWN_INCOMING);
    expect(() => one.take(1)).toThrow('all there is');
    other.take(-1);
    one.take(1);
    other.close();
    other.close();
    other.take(MIB);
    one.take(all - 1);
    expect(() => one.take(1)).toThrow('all there is');
  });
});
