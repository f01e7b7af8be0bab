import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL_CALLER } from '../../../../src/core/model/caller.ts';
import { BodyRoom } from '../../../../src/core/server/body-room.ts';
import { StreamRoom } from '../../../../src/core/server/ws/stream-room.ts';
import { channels, LARGEST_OUTPUT_WINDOW } from '../../../../src/core/wire/stream/frames.ts';
import { execOf, finish } from '../../../contract/workbench.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { openStream } from '../../../helpers/core/open-stream.ts';
import { sha256 } from '../../../helpers/core/secure-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const MIB = 1024 * 1024;
const ROOM = 4 * MIB;
const roomForStreams = (): StreamRoom => new StreamRoom(ROOM, new BodyRoom());
const { most } = roomForStreams();
const OWN = 'fsb.v1';
const box = { namespace: 'default', name: 'box' };

let inner: HostCore;
let served: ServedCore;
let directory: string;
const token = 'token-of-the-tests-ci';
const asCi = { authorization: `Bearer ${token}` };

beforeEach(async () => {
  inner = hostCore();
  directory = mkdtempSync(join(tmpdir(), 'fsb-room-'));
  const tokenFile = join(directory, 'tokens');
  const tokens = [{ name: 'ci', sha256: sha256(token), scopes: ['use'] }];
  writeFileSync(tokenFile, JSON.stringify({ tokens }), { mode: 0o600 });
  served = await serveAndConnect(inner, 'tcp', { streamMemory: ROOM, security: { tokenFile } });
  await served.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
});

afterEach(async () => {
  await served.close();
  await inner.close();
  rmSync(directory, { recursive: true });
});

const keyOf = (n: number): string => `key-number-${String(n).padStart(12, '0')}`;
const exec = (command: string, more: Record<string, string> = {}, headers = {}) => {
  const query = new URLSearchParams({ stdin: 'true', ...more });
  for (const word of command.split(' ')) query.append('command', word);
  return openStream(served.servers, `sandboxes/default/box/exec?${query}`, OWN, headers);
};
const goOn = (n: number) => openStream(served.servers, `streams/${keyOf(n)}?received=0`, OWN);

/** One whose client vanishes as soon as it runs. */
async function openAndCut(
  n: number,
  command: string,
  more: Record<string, string> = {},
  headers = {},
): Promise<void> {
  const { ws } = exec(command, { resume: keyOf(n), ...more }, headers);
  await once(ws, 'message');
  ws.terminate();
  await once(ws, 'close');
}

describe('the memory for all streams together', () => {
  it('has room for so many: the next one is refused, those that are open go on', async () => {
    const open = Array.from({ length: most }, () => exec('cat'));
    await Promise.all(open.map(({ ws }) => once(ws, 'message')));
    await expect(exec('true').closed).rejects.toThrow('429');
    await expect(served.core.sandboxes.exec(box, execOf(['true']))).rejects.toMatchObject({
      code: 'no_capacity',
      message: expect.stringContaining(`${most} streams are open`),
    });
    expect(await served.core.sandboxes.list({})).toHaveLength(1);
    for (const { ws } of open.slice(1)) ws.close(1000);
    while (inner.openSessions.size > 1) await setImmediate();
    const { stdout } = await finish(await served.core.sandboxes.exec(box, execOf(['echo', 'hi'])));
    expect(stdout.toString()).toBe('hi\n');
  });

  it('is not exceeded by clients that keep it, and the others get all that is theirs', async () => {
    const keepers = [0, 1, 2];
    const more = { window: String(LARGEST_OUTPUT_WINDOW) };
    for (const n of keepers) await openAndCut(n, 'yes', more);
    const back = keepers.map(goOn);
    const got = (): number =>
      back.reduce((sum, { received }) => sum + (received.get(channels.stdout)?.length ?? 0), 0);
    await expect.poll(got, { timeout: 20_000 }).toBeGreaterThan(MIB);
    for (let before = -1; before < got(); await sleep(200)) before = got();
    expect(got()).toBeLessThan(ROOM);
    const { stdout } = await finish(
      await served.core.sandboxes.exec(box, execOf(['head', '-c', '3000000', '/dev/zero'])),
    );
    expect(stdout).toHaveLength(3_000_000);
  });

  it('is left by those that wait longest for their client, when too many do', async () => {
    const mostAway = Math.floor(most / 2);
    for (let n = 0; n <= mostAway + 1; n++) await openAndCut(n, 'cat');
    while (inner.openSessions.size > mostAway) await setImmediate();
    for (const gone of [0, 1]) await expect(goOn(gone).closed).rejects.toThrow('404');
    const last = goOn(mostAway + 1);
    await once(last.ws, 'open');
    last.ws.close(1000);
    await last.closed;
  });

  it('has a part for each caller, and the user of the core has room whatever they take', async () => {
    const open = Array.from({ length: most / 2 }, () => exec('cat', {}, asCi));
    await Promise.all(open.map(({ ws }) => once(ws, 'message')));
    await expect(exec('true', {}, asCi).closed).rejects.toThrow('429');
    const { stdout } = await finish(await served.core.sandboxes.exec(box, execOf(['echo', 'hi'])));
    expect(stdout.toString()).toBe('hi\n');
    for (const { ws } of open) ws.close(1000);
    await expect.poll(() => inner.openSessions.size).toBe(0);
  });

  it('is left by the streams of who has most of those that wait, not by those of others', async () => {
    const mostAway = Math.floor(most / 2);
    await openAndCut(0, 'cat');
    for (let n = 1; n <= mostAway; n++) await openAndCut(n, 'cat', {}, asCi);
    await expect.poll(() => inner.openSessions.size).toBe(mostAway);
    const first = goOn(0);
    await once(first.ws, 'open');
    first.ws.close(1000);
    await first.closed;
  });

  it('is all there again when the streams have ended', () => {
    const room = roomForStreams();
    const [one, other] = [room.open(LOCAL_CALLER), room.open(LOCAL_CALLER)];
    let woken = 0;
    one.onRoom = () => woken++;
    other.take(2 * MIB);
    one.take(MIB / 4);
    expect([one.hasRoom, other.hasRoom]).toEqual([true, false]);
    one.take(MIB / 4);
    expect(one.hasRoom).toBe(false);
    one.wait();
    one.take(-MIB / 4);
    expect(woken).toBe(1);
    one.take(MIB / 4);
    one.wait();
    other.close();
    other.close();
    other.take(-2 * MIB);
    expect([woken, one.hasRoom]).toEqual([2, true]);
    for (let n = 1; n < room.most; n++) room.open(LOCAL_CALLER);
    expect(() => room.assertForOne(LOCAL_CALLER)).toThrow('as many as this core has memory for');
    one.close();
    room.assertForOne(LOCAL_CALLER);
  });
});
