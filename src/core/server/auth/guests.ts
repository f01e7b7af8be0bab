import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Caller } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { sourceOf } from '../ends.ts';
import { Shares } from './shares.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Of those of whom nobody knows yet who they are, so many are listened to at a time. */
const MOST_STRANGERS = 512;
const MOST_STRANGERS_OF_ADDRESS = 64;
/** Milliseconds for a connection to show who it is, from the moment on in which it is listened to. */
const PATIENCE = 20_000;
/** Milliseconds to wait for that moment: no client waits longer. */
const LONGEST_WAIT = 30_000;

/** Has somebody told when a caller is not known any more. @returns to be called when that is of no interest any more */
type WhileKnown = (onOver: () => void) => () => void;

interface Guest {
  /** As sourceOf. */
  address: string;
  socket: Socket;
  /** Begins to listen to it. */
  welcome: () => void;
  state: 'waiting' | 'stranger' | 'known';
  /** Ends what keeps a guest from staying for ever who is waiting, or a stranger. */
  forgive: () => void;
  /** Whose it is among those who are known. */
  owner?: Caller;
  /** By the names of others who came over it: each makes it theirs, and tells whether there was room for that. */
  heirs: Map<string, () => boolean>;
  /** Gives back what the owner has of it. */
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
  /** By their owners. */
  readonly #ofCallers: Shares;
  readonly #strangers = new Map<string, number>();
  #strangerCount = 0;

  /**
   * @param mostWithWaiting when there are so many guests, nobody else is let wait
   * @param most of those who have shown who they are
   */
  constructor(clock: Clock, mostWithWaiting: number, most: number) {
    this.#ofCallers = new Shares(most);
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
      ...{ address, socket, welcome, state: 'waiting', heirs: new Map(), leave: () => {} },
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
   * Somebody has shown who they are over it, and it is theirs. When they are not known any more, it is another one's who came
   * over it meanwhile (a proxy may bring many), or a stranger's again.
   * @throws no_capacity: they have as many as they may
   */
  known(connection: string, caller: Caller, whileKnown: WhileKnown): void {
    const guest = this.#guests.get(connection);
    if (guest === undefined || guest.owner === caller) return;
    const own = (): boolean => this.#own(guest, caller, whileKnown);
    if (guest.owner !== undefined) guest.heirs.set(caller.name, own);
    else if (!own()) throw this.#tooMany(caller);
  }

  #own(guest: Guest, caller: Caller, whileKnown: WhileKnown): boolean {
    if (this.#ofCallers.lacking(caller, 1) !== undefined) return false;
    this.#ofCallers.take(caller, 1);
    this.#settle(guest);
    guest.owner = caller;
    const forget = whileKnown(() => {
      this.#disown(guest, caller);
      if (![...guest.heirs].some(([name, own]) => guest.heirs.delete(name) && own())) this.#estrange(guest);
    });
    guest.leave = () => {
      this.#disown(guest, caller);
      forget();
    };
    return true;
  }

  #disown(guest: Guest, caller: Caller): void {
    this.#ofCallers.take(caller, -1);
    delete guest.owner;
    guest.leave = () => {};
  }

  #tooMany(caller: Caller): FsbError {
    const { all } = this.#ofCallers;
    return new FsbError(
      'no_capacity',
      `${caller.name} has ${this.#ofCallers.of(caller)} of the ${all} connections here, and may not have another one`,
      { hint: 'Try again when some of them have ended.' },
    );
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
