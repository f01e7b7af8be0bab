import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { createManualClock, type ManualClock, settle } from '../../helpers/manual-clock.ts';
import { type ServedPoolServer, servePoolServer } from '../../helpers/pool/served-pool-server.ts';

/** Requests whose body comes bit by bit, over a socket of the test's own. */

let clock: ManualClock;
let core: HostCore;
let served: ServedPoolServer;
let socket: Socket;
let said: string;
beforeEach(async () => {
  clock = createManualClock();
  core = hostCore();
  served = await servePoolServer(core, clock);
  const [host, port] = served.address.split(':');
  socket = connect({ host: host!, port: Number(port) });
  said = '';
  socket.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await once(socket, 'connect');
});
afterEach(async () => {
  socket.destroy();
  await served.close();
  await core.close();
});

const begin = (path: string, type: string, body: string): void =>
  void socket.write(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(body)}`,
  );
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Resolves when this is so; what it waits for comes over a real socket. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle();
}

describe('a JSON body that does not end', () => {
  it('is answered with an error, and its connection is not kept for ever', async () => {
    begin('/sandbox/create', 'application/json', '{');
    // Its connection has a time of its own, in which somebody known must come over it.
    await until(() => clock.pending > 1);
    await clock.advance(30_000);
    await until(() => said.endsWith('\n'));
    expect(said).toMatch(/^HTTP\/1.1 400 /);
    expect(said).toContain('"detail":"the body did not come within 30s"');
    const closed = once(socket, 'close');
    await until(() => clock.pending > 0);
    await clock.advance(30_000);
    await closed;
  });
});

describe('an archive', () => {
  it('may take its time, and wait for its turn', async () => {
    const { body } = await served.ask('POST', '/sandbox/create');
    const path = `/sandbox/${body.sandbox_id}/archive?target_dir=${served.directory}/in`;
    begin(path, 'application/x-tar', 'x');
    for (let part = 0; part < 5; part++) {
      await until(() => clock.pending > 1);
      await clock.advance(29_000);
      socket.write(chunk('x'));
      await settle();
    }
    expect(said).toBe('');
    socket.write('0\r\n\r\n');
    await until(() => said.endsWith('\n'));
    expect(said).toMatch(/^HTTP\/1.1 400 /);
    expect(said).toContain('could not be unpacked');
  });

  it('is given up when nothing comes of it any more', async () => {
    const { body } = await served.ask('POST', '/sandbox/create');
    begin(`/sandbox/${body.sandbox_id}/archive?target_dir=${served.directory}/in`, 'application/x-tar', 'x');
    // The deadline of tar, and that of the body.
    await until(() => clock.pending > 1);
    await clock.advance(30_000);
    await until(() => said.endsWith('\n'));
    expect(said).toContain('"detail":"the body did not come within 30s"');
  });
});
