import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../model/clock.ts';
import { Allowance } from '../auth/allowance.ts';
import { sourceOf } from '../ends.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Of those of whom nobody knows yet who they are, so many are listened to at a time. */
const MOST_STRANGERS = 512;
const MOST_STRANGERS_OF_ADDRESS = 64;
/** Milliseconds for a connection to show who it is, from the moment on in which it is listened to. */
const PATIENCE = 20_000;
/** Milliseconds to wait for that moment: no client waits longer. */
const LONGEST_WAIT = 30_000;

interface Guest {
  /** As sourceOf. */
  address: string;
  socket: Socket;
  /** Begins to listen to it. */
  welcome: () => void;
  state: 'waiting' | 'stranger' | 'known';
  /** Ends what keeps a guest from staying for ever who is waiting, or a stranger. */
  forgive: () => void;
  /** Gives back what the caller has of it who is known. */
  leave: () => void;
  /** Once the handshake is done. */
  tls?: TLSSocket;
}

/**
 * The connections of one listener. Strangers have little room and little time, and never take the place of those who
 * have shown who they are. Of many who come at once, most wait, unread, until those before them are known.
 */
export class Guests {
  readonly #clock: Clock;
  readonly #mostWithWaiting: number;
  /** By their connections. */
  readonly #guests = new Map<string, Guest>();
  readonly #waiting = new WaitingRoom<Guest>();
  /** By who was the first to be known over it. */
  readonly #ofCallers: Allowance;
  readonly #strangers = new Map<string, number>();
  #strangerCount = 0;

  /**
   * @param mostWithWaiting when there are so many guests, nobody else is let wait
   * @param mostOfCaller of those who have shown who they are
   */
  constructor(clock: Clock, mostWithWaiting: number, mostOfCaller: number) {
    this.#ofCallers = new Allowance(mostOfCaller, 'connections');
    this.#clock = clock;
    this.#mostWithWaiting = mostWithWaiting;
  }

  /**
   * @param connection as connectionOf
   * @param from an address
   * @param welcome is called when it is to be listened to: now, or later
   * @returns false: there is no room for it
   */
  take(connection: string, from: string, socket: Socket, welcome: () => void): boolean {
    const address = sourceOf(from);
    const mayCome = this.#mayCome(address);
    if (!mayCome && this.#guests.size >= this.#mostWithWaiting) return false;
    const drop = (): void => void socket.destroy();
    const guest: Guest = {
      ...{ address, socket, welcome, state: 'waiting', leave: () => {} },
      forgive: this.#clock.after(LONGEST_WAIT, drop),
    };
    // The kernel gives the same ends away again when the one before is gone, also when that was not heard of yet.
    this.#guests.get(connection)?.socket.destroy();
    this.#guests.set(connection, guest);
    socket.once('close', () => {
      this.#waiting.remove(address, guest);
      guest.leave();
      this.#settle(guest);
      if (this.#guests.get(connection) === guest) this.#guests.delete(connection);
    });
    if (mayCome) this.#begin(guest);
    else this.#waiting.add(address, guest);
    return true;
  }

  secured(connection: string, tls: TLSSocket): void {
    const guest = this.#guests.get(connection);
    if (guest !== undefined) guest.tls = tls;
  }

  /** For its certificate. */
  of(connection: string): TLSSocket | undefined {
    return this.#guests.get(connection)?.tls;
  }

  /**
   * Somebody has shown who they are over it.
   * @param whileKnown has somebody told when they are not known any more: it is a stranger's again then
   * @throws no_capacity: they have as many as one caller may have
   */
  known(connection: string, caller: string, whileKnown: (onOver: () => void) => () => void): void {
    const guest = this.#guests.get(connection);
    if (guest?.state !== 'stranger') return;
    this.#ofCallers.assertRoom(caller);
    const giveBack = this.#ofCallers.take(caller);
    this.#settle(guest);
    const forget = whileKnown(() => {
      giveBack();
      this.#estrange(guest);
    });
    guest.leave = () => {
      giveBack();
      forget();
    };
  }

  #mayCome(address: string): boolean {
    const same = this.#strangers.get(address) ?? 0;
    return this.#strangerCount < MOST_STRANGERS && same < MOST_STRANGERS_OF_ADDRESS;
  }

  #begin(guest: Guest): void {
    guest.forgive();
    this.#estrange(guest);
    guest.welcome();
  }

  /** It has a while to show who it is. */
  #estrange(guest: Guest): void {
    const { address, socket } = guest;
    guest.forgive = this.#clock.after(PATIENCE, () => socket.destroy());
    guest.state = 'stranger';
    this.#strangers.set(address, (this.#strangers.get(address) ?? 0) + 1);
    this.#strangerCount += 1;
  }

  /** It is no stranger any more, or gone: that makes room for the next. */
  #settle(guest: Guest): void {
    const { state, address } = guest;
    guest.forgive();
    guest.state = 'known';
    if (state !== 'stranger') return;
    this.#strangerCount -= 1;
    const same = this.#strangers.get(address)! - 1;
    if (same === 0) this.#strangers.delete(address);
    else this.#strangers.set(address, same);
    const next = this.#waiting.next((other) => this.#mayCome(other));
    if (next !== undefined) this.#begin(next);
  }
}
