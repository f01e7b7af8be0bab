import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { watchPeer } from '../../../src/core/client/stream/heartbeat.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';

/** Milliseconds. */
const BEAT = 200;

let directory: string;
let server: Server;
let peers: WebSocketServer;
let proxy: BreakingProxy;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-heartbeat-'));
  server = createServer().listen(join(directory, 'http.sock'));
  peers = new WebSocketServer({ server });
  await once(server, 'listening');
  proxy = await breakingProxy(`unix://${directory}/http.sock`, []);
});

afterEach(async () => {
  for (const peer of peers.clients) peer.terminate();
  await proxy.close();
  server.close();
  await rm(directory, { recursive: true });
});

async function connected(): Promise<WebSocket> {
  const ws = new WebSocket(`ws://${proxy.address}`);
  await once(ws, 'open');
  watchPeer(ws, BEAT);
  return ws;
}

it('takes a connection on which nothing comes any more for broken', async () => {
  const ws = await connected();
  proxy.swallow();
  const [code] = await once(ws, 'close');
  expect(code).toBe(1006);
});

it('lets one live on which nothing is said but answers to pings', async () => {
  const ws = await connected();
  await delay(6 * BEAT);
  expect(ws.readyState).toBe(WebSocket.OPEN);
  ws.terminate();
  await once(ws, 'close');
});
