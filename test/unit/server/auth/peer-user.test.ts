import { EventEmitter } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Neighbours, ownersOf } from '../../../../src/core/server/auth/peer-user.ts';
import { connectionOf } from '../../../../src/core/server/ends.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

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
  ['127.0.0.1', 40_004, [-1]],
  ['127.0.0.1', 40_009, []],
  ['127.0.0.2', 40_000, []],
] as const)('%s:%d belongs to %j', (address, port, uids) => {
  const here = { address: '127.0.0.1', port: 8080 };
  expect(ownersOf({ address, port }, here, table)).toEqual(uids);
  // What has the same port towards somebody else says nothing.
  expect(ownersOf({ address, port }, { ...here, port: 8081 }, table)).toEqual([]);
});

it('knows IPv6', () => {
  const here = { address: '::1', port: 8080 };
  expect(ownersOf({ address: '::1', port: 40_003 }, here, table)).toEqual([34]);
});

const DENIED = 'only the user who runs this core';

/** A server that is watched, and the first connection to it, seen from both ends. */
async function connected(
  before: (server: Server) => void,
): Promise<{ peer: Socket; client: Socket; server: Server }> {
  const server = createServer({ allowHalfOpen: true });
  before(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = connect(port, '127.0.0.1').on('error', () => {});
  return { peer: (await accepted).on('error', () => {}), client, server };
}

it('admits this very process, as long as the connection is there, and nobody else', async () => {
  const neighbours = new Neighbours(createManualClock());
  const { peer, client, server } = await connected((one) => neighbours.watch(one));
  const name = connectionOf(peer);
  expect(() => neighbours.assertOwn(name)).not.toThrow();
  expect(() => neighbours.assertOwn('127.0.0.1:1')).toThrow(DENIED);
  expect(() => neighbours.assertOwn('')).toThrow(DENIED);
  const gone = new Promise((resolve) => peer.once('close', resolve));
  client.destroy();
  peer.destroy();
  await gone;
  expect(() => neighbours.assertOwn(name)).toThrow(DENIED);
  server.close();
});

it('knows nobody by their user while a sandbox shares the network, but those whom it knew before', async () => {
  let isShared = true;
  const neighbours = new Neighbours(createManualClock(), () => isShared);
  const { peer, client, server } = await connected((one) => neighbours.watch(one));
  const assertOwn = () => neighbours.assertOwn(connectionOf(peer));
  expect(assertOwn).toThrow('a sandbox shares the network');
  isShared = false;
  expect(assertOwn).not.toThrow();
  isShared = true;
  expect(assertOwn).not.toThrow();
  client.destroy();
  peer.destroy();
  server.close();
});

it("admits nobody whose socket was closed before it was asked for: the kernel says that it is root's", async () => {
  const neighbours = new Neighbours(createManualClock());
  const late = new EventEmitter();
  neighbours.watch(late as Server);
  const { peer, client, server } = await connected(() => {});
  const ended = new Promise((resolve) => peer.once('end', resolve));
  peer.resume();
  client.end();
  await ended;
  late.emit('connection', peer);
  expect(() => neighbours.assertOwn(connectionOf(peer))).toThrow(DENIED);
  peer.destroy();
  client.destroy();
  server.close();
});

it.each([
  ['a stranger', true, () => {}, true],
  ['the user of the core', false, () => {}, false],
  ['somebody with a token', true, (all: Neighbours, name: string) => all.letIn(name), false],
] as const)('has %s for a while', async (_, isStranger, before, ends) => {
  const clock = createManualClock();
  const neighbours = new Neighbours(clock);
  const { peer, client, server } = await connected((one) => neighbours.watch(one));
  const ended = new Promise((resolve) => peer.once('end', resolve));
  peer.resume();
  // Whose socket that is, the kernel does not tell any more.
  if (isStranger) client.end();
  if (isStranger) await ended;
  before(neighbours, connectionOf(peer));
  await clock.advance(19_999);
  expect(peer.destroyed).toBe(false);
  await clock.advance(1);
  expect(peer.destroyed).toBe(ends);
  client.destroy();
  peer.destroy();
  await new Promise((resolve) => server.close(resolve));
  expect(clock.pending).toBe(0);
});
