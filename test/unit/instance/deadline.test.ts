import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Pings } from '../../../src/core/guest/pings.ts';
import { withDeadline } from '../../../src/core/instance/deadline.ts';
import { systemClock } from '../../../src/core/model/clock.ts';

/** Milliseconds. */
const LIMIT = 20;

describe('a deadline that is over while the event loop stands still', () => {
  const ends: { destroy(): void }[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end.destroy();
  });

  async function pair(): Promise<[Socket, Socket]> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [far] = await accepted;
    server.close();
    ends.push(near, far);
    return [near, far];
  }

  function stall(): void {
    const end = performance.now() + 3 * LIMIT;
    while (performance.now() < end);
  }

  it('does not count an answer as missing that came in time', async () => {
    const [near, far] = await pair();
    const answer = once(near, 'data');
    const guarded = withDeadline(systemClock, LIMIT, 'the question', answer);
    far.write('x');
    stall();
    await expect(guarded).resolves.toEqual([Buffer.from('x')]);
  });

  it('nor the answer to a ping', async () => {
    const [near, far] = await pair();
    const pings = new Pings(systemClock, { send: () => void far.write('x') });
    near.once('data', () => pings.answered(1n));
    const answered = pings.ping(LIMIT);
    stall();
    await expect(answered).resolves.toBeUndefined();
  });

  it('is over all the same when no answer came', async () => {
    await expect(withDeadline(systemClock, 1, 'the question', new Promise(() => undefined))).rejects.toThrow(
      /the question took longer than 1 ms/,
    );
  });
});
