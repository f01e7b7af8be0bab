import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Guests } from '../../../../src/core/server/auth/guests.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const forever = () => () => {};

const [ci, other] = ['ci', 'other'].map((name) => ({
  name,
  scopes: ['use' as const],
  namespaces: 'all' as const,
}));
const world = (mostWithWaiting = 4096, most = 8192) => {
  const clock = createManualClock();
  const guests = new Guests(clock, mostWithWaiting, most);
  let port = 0;
  const come = (address: string) => {
    const socket = new FakeSocket();
    port += 1;
    const peer = `${address}:${port}`;
    const one = { socket, peer, taken: false, welcome: false };
    one.taken = guests.take(peer, address, socket as unknown as Socket, () => {
      one.welcome = true;
    });
    return one;
  };
  return { clock, guests, come };
};

const welcomed = (all: { welcome: boolean }[]): number => all.filter(({ welcome }) => welcome).length;

it('begins with so many strangers of an address at a time, and with the next when one of them is known or gone', () => {
  const { guests, come } = world();
  const all = Array.from({ length: 2_000 }, () => come('192.0.2.1'));
  expect([all.every(({ taken }) => taken), welcomed(all)]).toEqual([true, 64]);
  expect(come('192.0.2.2').welcome).toBe(true);
  guests.known(all[0]!.peer, ci!, forever);
  guests.known(all[0]!.peer, ci!, forever);
  all[1]!.socket.destroy();
  expect([welcomed(all), all[65]!.welcome]).toEqual([66, true]);
  all[66]!.socket.destroy();
  all[2]!.socket.destroy();
  expect([all[66]!.welcome, all[67]!.welcome]).toEqual([false, true]);
  for (const { peer } of all) guests.known(peer, ci!, forever);
  expect(welcomed(all)).toBe(1_999);
});

it('begins with so many strangers in all, and then with each address in turn', () => {
  const { come } = world();
  const flood = Array.from({ length: 1_000 }, (_, i) => come(`10.0.0.${i % 16}`));
  const others = Array.from({ length: 2 }, () => come('192.0.2.1'));
  expect([welcomed(flood), welcomed(others)]).toEqual([512, 0]);
  for (const { socket } of flood.slice(0, 34)) socket.destroy();
  expect(welcomed(others)).toBe(2);
});

it.each([
  ['one IPv6 network', (i: number) => `2001:db8:1:2::${i.toString(16)}`],
  ['one IPv4 address, however it is written', (i: number) => (i % 2 ? '192.0.2.9' : '::ffff:192.0.2.9')],
  ['this machine', (i: number) => `127.0.${i >> 8}.${i & 255}`],
])('takes %s for one address', (_, address) => {
  const { come } = world();
  const all = Array.from({ length: 600 }, (_unused, i) => come(address(i)));
  expect(welcomed(all)).toBe(64);
  expect(come('2001:db8:1:3::1').welcome).toBe(true);
  all[0]!.socket.destroy();
  expect(all[64]!.welcome).toBe(true);
});

it('has nobody wait when that would fill it', () => {
  const { guests, come } = world(100);
  const all = Array.from({ length: 110 }, () => come('192.0.2.1'));
  expect(all.map(({ taken }) => taken).lastIndexOf(true)).toBe(99);
  expect(come('192.0.2.2')).toMatchObject({ taken: true, welcome: true });
  for (const { peer } of all) guests.known(peer, ci!, forever);
  expect(come('192.0.2.1')).toMatchObject({ taken: true, welcome: true });
});

it('sends away who has waited for long', async () => {
  const { clock, guests, come } = world();
  const all = Array.from({ length: 65 }, () => come('192.0.2.1'));
  for (const { peer } of all.slice(1, 64)) guests.known(peer, ci!, forever);
  expect(all[64]!.welcome).toBe(true);
  const late = Array.from({ length: 63 }, () => come('192.0.2.1')).at(-1)!;
  expect(late.welcome).toBe(false);
  await clock.advance(19_999);
  expect([all[0]!.socket.destroyed, late.welcome]).toEqual([false, false]);
  await clock.advance(1);
  expect([all[0]!.socket.destroyed, late.welcome]).toEqual([true, true]);
  await clock.advance(20_000);
  expect([late.socket.destroyed, clock.pending]).toEqual([true, 0]);
});

it('sends a stranger away after a while, and nobody who is known', async () => {
  const { clock, guests, come } = world();
  const [stranger, guest] = [come('192.0.2.1'), come('192.0.2.1')];
  guests.known(guest.peer, ci!, forever);
  await clock.advance(20_000);
  expect([stranger.socket.destroyed, guest.socket.destroyed]).toEqual([true, false]);
});

it('lets nobody have more than their part of the connections, however well they are known', () => {
  const { guests, come } = world(4096, 8);
  const all = Array.from({ length: 5 }, () => come('192.0.2.1'));
  for (const { peer } of [...all.slice(0, 4), all[0]!]) guests.known(peer, ci!, forever);
  expect(() => guests.known(all[4]!.peer, ci!, forever)).toThrow(
    'ci has 4 of the 4 connections here, and may not have another one',
  );
  guests.known(come('192.0.2.1').peer, other!, forever);
  all[0]!.socket.destroy();
  guests.known(all[4]!.peer, ci!, forever);
});

it('drops who has too many connections, as a stranger', async () => {
  const { clock, guests, come } = world(4096, 2);
  const [first, second] = [come('192.0.2.1'), come('192.0.2.1')];
  guests.known(first.peer, ci!, forever);
  expect(() => guests.known(second.peer, ci!, forever)).toThrow(/may not have another one/);
  await clock.advance(20_000);
  expect([first.socket.destroyed, second.socket.destroyed]).toEqual([false, true]);
});

it("takes a connection for a stranger's again when its caller is not known any more", async () => {
  const { clock, guests, come } = world(4096, 2);
  const [first, second] = [come('192.0.2.1'), come('192.0.2.1')];
  let revoke = (): void => {};
  let left = 0;
  guests.known(first.peer, ci!, (onOver) => {
    revoke = onOver;
    return () => {
      left += 1;
    };
  });
  revoke();
  guests.known(second.peer, ci!, forever);
  await clock.advance(20_000);
  expect([first.socket.destroyed, second.socket.destroyed, left]).toEqual([true, false, 0]);
});

it('forgives a connection whose caller is not known any more when another one comes over it', async () => {
  const { clock, guests, come } = world();
  const third = come('192.0.2.2');
  let revoke = (): void => {};
  guests.known(third.peer, other!, (onOver) => {
    revoke = onOver;
    return () => {};
  });
  revoke();
  guests.known(third.peer, other!, forever);
  await clock.advance(20_000);
  expect([third.socket.destroyed, clock.pending]).toEqual([false, 0]);
});

it('leaves a connection to others who have shown who they are over it, when its first caller is not known any more', async () => {
  const { clock, guests, come } = world();
  const { peer, socket } = come('192.0.2.1');
  const over = new Map<string, () => void>();
  const know = (caller: typeof ci): void =>
    guests.known(peer, caller!, (onOver) => {
      over.set(caller!.name, onOver);
      return () => over.delete(caller!.name);
    });
  for (const caller of [ci, other, ci, other]) know(caller);
  expect([...over.keys()]).toEqual(['ci']);
  over.get('ci')!();
  await clock.advance(20_000);
  expect(socket.destroyed).toBe(false);
  over.get('other')!();
  await clock.advance(19_999);
  expect(socket.destroyed).toBe(false);
  await clock.advance(1);
  expect([socket.destroyed, clock.pending]).toEqual([true, 0]);
});

it('gives back what the last of its callers has of a connection', () => {
  const { guests, come } = world(4096, 8);
  const all = Array.from({ length: 4 }, () => come('192.0.2.1'));
  let revoke = (): void => {};
  for (const { peer } of all) {
    guests.known(peer, other!, (onOver) => {
      revoke = onOver;
      return () => {};
    });
    guests.known(peer, ci!, forever);
    revoke();
  }
  const last = come('192.0.2.2');
  expect(() => guests.known(last.peer, ci!, forever)).toThrow(/ci has 4 of the 4/);
  all[0]!.socket.destroy();
  guests.known(last.peer, ci!, forever);
});
