import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Guests } from '../../../src/core/server/tls/guests.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const world = () => {
  const clock = createManualClock();
  const guests = new Guests(clock);
  let port = 0;
  const come = (address: string) => {
    const socket = new FakeSocket();
    port += 1;
    const peer = `${address}:${port}`;
    return { socket, peer, taken: guests.take(peer, address, socket as unknown as Socket) };
  };
  return { clock, guests, come };
};

it('has room for so many strangers of an address, and for more of those who are known', () => {
  const { guests, come } = world();
  const first = Array.from({ length: 64 }, () => come('192.0.2.1'));
  expect(first.every(({ taken }) => taken)).toBe(true);
  expect(come('192.0.2.1').taken).toBe(false);
  expect(come('192.0.2.2').taken).toBe(true);
  guests.known(first[0]!.peer);
  guests.known(first[0]!.peer);
  expect(come('192.0.2.1').taken).toBe(true);
  expect(come('192.0.2.1').taken).toBe(false);
  first[1]!.socket.destroy();
  expect(come('192.0.2.1').taken).toBe(true);
});

it('has room for so many strangers in all', () => {
  const { come } = world();
  const taken = Array.from({ length: 600 }, (_, i) => come(`10.0.0.${i % 250}`).taken);
  expect(taken.filter(Boolean)).toHaveLength(512);
});

it('sends a stranger away after a while, and nobody who is known', async () => {
  const { clock, guests, come } = world();
  const [stranger, guest] = [come('192.0.2.1'), come('192.0.2.1')];
  guests.known(guest.peer);
  await clock.advance(20_000);
  expect([stranger.socket.destroyed, guest.socket.destroyed]).toEqual([true, false]);
});
