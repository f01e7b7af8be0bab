import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectCore } from '../../../../src/core/client/connect-core.ts';
import { http2Preface } from '../../../fuzz/raw-clients.ts';
import { refusingCore } from '../../../fuzz/refusing-core.ts';
import { deafClient } from '../../../helpers/core/raw-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const IDLE = 2_000;
/** As many connects as a listener is sure to have room for. */
const AT_ONCE = 100;

const openDescriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

/** Both ends are in this process. */
async function untilDescriptors(most: number): Promise<void> {
  while ((await openDescriptors()) > most) await sleep(5);
}

async function untilAccepted(descriptors: number): Promise<void> {
  while ((await openDescriptors()) < descriptors) await sleep(5);
}

describe.each(['unix', 'tcp'] as const)('two thousand idle sockets, over %s', (transport) => {
  let served: ServedCore;
  beforeEach(async () => {
    served = await serveAndConnect(refusingCore(), transport, { metrics: '127.0.0.1:0' });
  });
  afterEach(() => served.close());

  /** A new client, with connections of its own. */
  async function othersAreServed(): Promise<void> {
    const { grpc, http, metrics } = served.servers;
    const client = connectCore({ grpc: grpc[0]!, http: http[0]! });
    const refused = { code: 'not_found' };
    try {
      await expect(client.sandboxes.get({ namespace: 'n', name: 'x' })).rejects.toMatchObject(refused);
      const events = client.system.events({})[Symbol.asyncIterator]();
      await expect(events.next()).rejects.toMatchObject(refused);
    } finally {
      await client.close();
    }
    const answer = await fetch(`http://${metrics}/metrics`, { headers: { connection: 'close' } });
    expect(await answer.json()).toMatchObject({ error: refused });
  }

  it('do not keep the core from ending in its time', async () => {
    const { grpc, http, metrics, close } = served.servers;
    const before = await openDescriptors();
    const idle: Socket[] = [];
    for (const address of [grpc[0]!, http[0]!, metrics])
      for (const hello of ['', address === grpc[0] ? http2Preface : half])
        idle.push(await deafClient(address.replace('unix://', ''), hello));
    await untilAccepted(before + 2 * idle.length);
    await close(100);
    for (const socket of idle) socket.destroy();
  });

  const half = 'GET /healthz HTTP/1.1\r\nHos';
  it.each([
    ['http', half, () => served.servers.http[0]!],
    ['grpc', http2Preface.subarray(0, 40), () => served.servers.grpc[0]!],
    ['metrics', half, () => served.servers.metrics],
  ] as const)('of %s, half of which have begun to say something, hold nobody up', async (_, begun, to) => {
    await othersAreServed();
    const before = await openDescriptors();
    const address = to().replace('unix://', '');
    const idle: Socket[] = [];
    while (idle.length < IDLE) {
      const some = Array.from({ length: AT_ONCE }, (_, i) => deafClient(address, i % 2 === 0 ? begun : ''));
      idle.push(...(await Promise.all(some)));
      await untilAccepted(before + 2 * idle.length);
    }
    await othersAreServed();
    for (const socket of idle) socket.destroy();
    await untilDescriptors(before);
    await othersAreServed();
  });
});
