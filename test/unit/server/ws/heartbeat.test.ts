import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { createManualClock, type ManualClock } from '../../../helpers/manual-clock.ts';

const BEAT = 15_000;

describe.each(['tcp', 'unix'] as const)('the heartbeat of a stream over %s', (transport) => {
  let inner: HostCore;
  let served: ServedCore;
  let clock: ManualClock;

  beforeEach(async () => {
    inner = hostCore();
    clock = createManualClock();
    served = await serveAndConnect(inner, transport, { clock });
    const spec = { image: 'host', command: ['sleep', '1000'] };
    await inner.sandboxes.create({ namespace: 'default', name: 'box', spec });
  });
  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  async function follow(autoPong: boolean): Promise<WebSocket> {
    const at = served.servers.http[0]!.replace(/^unix:\/\/(.*)$/, '$1:');
    const scheme = transport === 'unix' ? 'ws+unix://' : 'ws://';
    const ws = new WebSocket(`${scheme}${at}/api/v1/sandboxes/default/box/logs?follow`, { autoPong });
    ws.on('error', () => {});
    await once(ws, 'open');
    return ws;
  }

  /** Lets so much time pass that the core has pinged, and the client has heard it. */
  async function beat(ws: WebSocket): Promise<void> {
    const heard = once(ws, 'ping');
    await clock.advance(BEAT);
    await heard;
    // What the client answers is read before the next one.
    for (let i = 0; i < 20; i++) await setImmediate();
  }

  it('is heard, and whoever answers stays', async () => {
    const ws = await follow(true);
    for (let beats = 0; beats < 10; beats++) await beat(ws);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    ws.terminate();
    await once(ws, 'close');
  });

  it(`${transport === 'tcp' ? 'ends' : 'leaves in peace'} a client that answers nothing`, async () => {
    const ws = await follow(false);
    for (let beats = 0; beats < 4; beats++) await beat(ws);
    if (transport === 'tcp') {
      const closed = once(ws, 'close');
      await clock.advance(BEAT);
      expect((await closed)[0]).toBe(1006);
      return;
    }
    for (let beats = 0; beats < 6; beats++) await beat(ws);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    ws.terminate();
    await once(ws, 'close');
  });

  it(`${transport === 'tcp' ? 'ends' : 'leaves in peace'} a client that does not end what it has begun to say`, async () => {
    const ws = await follow(true);
    const acknowledgement = Buffer.alloc(9, 18).fill(0, 1);
    const begin = (): void => ws.send(acknowledgement.subarray(0, 1), { fin: false });
    for (let times = 0; times < 2; times++) {
      begin();
      for (let beats = 0; beats < 2; beats++) await beat(ws);
      ws.send(acknowledgement.subarray(1), { fin: true });
    }
    for (let beats = 0; beats < 4; beats++) await beat(ws);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    begin();
    for (let beats = 0; beats < 2; beats++) await beat(ws);
    const ended = once(ws, transport === 'tcp' ? 'close' : 'ping');
    await clock.advance(BEAT);
    await ended;
    ws.terminate();
  });
});
