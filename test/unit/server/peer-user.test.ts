import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { assertOwnUser, ownersOf } from '../../../src/core/server/auth/peer-user.ts';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: 0100007F:9C41 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   3: 0100007F:9C44 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00000100007F:9C42 0000000000000000FFFF00000100007F:1F90 01 0:0 0:0 0  33 0 4
   1: 00000000000000000000000001000000:9C43 00000000000000000000000001000000:1F90 01 0:0 0:0 0  34 0 5
`;
const table = (name: 'tcp' | 'tcp6'): string => (name === 'tcp' ? tcp : tcp6);

it.each([
  ['127.0.0.1', 40_000, [1000]],
  ['::ffff:127.0.0.1', 40_001, [0]],
  ['127.0.0.1', 40_002, [33]],
  ['::1', 40_003, [34]],
  ['127.0.0.1', 40_004, [-1]],
  ['127.0.0.1', 40_009, []],
  ['127.0.0.2', 40_000, []],
] as const)('%s:%d belongs to %j', (address, port, uids) => {
  expect(ownersOf(address, port, table)).toEqual(uids);
});

it('admits this very process, and nobody whose socket cannot be found', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = connect(port, '127.0.0.1');
  const peer = await accepted;
  expect(() => assertOwnUser(peer.remoteAddress, peer.remotePort)).not.toThrow();
  expect(() => assertOwnUser('127.0.0.1', 1)).toThrow('only the user who runs this core');
  expect(() => assertOwnUser(undefined, undefined)).toThrow('only the user who runs this core');
  client.destroy();
  peer.destroy();
  server.close();
});

it("admits nobody whose socket is closed: the kernel says that it is root's", async () => {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = connect(port, '127.0.0.1').on('error', () => {});
  const peer = await accepted;
  peer.on('error', () => {});
  const ended = new Promise((resolve) => peer.once('end', resolve));
  peer.resume();
  client.end();
  await ended;
  expect(() => assertOwnUser(peer.remoteAddress, peer.remotePort)).toThrow(
    'only the user who runs this core',
  );
  peer.destroy();
  client.destroy();
  server.close();
});
