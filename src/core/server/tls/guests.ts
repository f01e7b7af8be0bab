import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../model/clock.ts';

/** Connections of one listener: in all, and of those of whom nobody knows yet who they are. */
const MOST = 4096;
const MOST_STRANGERS = 512;
const MOST_STRANGERS_OF_ADDRESS = 64;
/** Milliseconds for a connection to show who it is. */
const PATIENCE = 20_000;

interface Guest {
  address: string;
  /** Stops the wait for it to be known. Undefined once it is. */
  forgive: (() => void) | undefined;
  /** Once the handshake is done. */
  tls?: TLSSocket;
}

/**
 * The connections of one listener. Strangers have little room and little time, and never take the place of those who
 * have shown who they are.
 */
export class Guests {
  readonly #clock: Clock;
  readonly #guests = new Map<string, Guest>();
  readonly #strangers = new Map<string, number>();
  #strangerCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False: there is no room for it. `peer` is `address:port`, `::1:port` for IPv6. */
  take(peer: string, address: string, socket: Socket): boolean {
    const same = this.#strangers.get(address) ?? 0;
    if (this.#guests.size >= MOST || this.#strangerCount >= MOST_STRANGERS) return false;
    if (same >= MOST_STRANGERS_OF_ADDRESS) return false;
    const guest: Guest = { address, forgive: this.#clock.after(PATIENCE, () => socket.destroy()) };
    this.#guests.set(peer, guest);
    this.#strangers.set(address, same + 1);
    this.#strangerCount += 1;
    socket.once('close', () => {
      this.#settle(guest);
      if (this.#guests.get(peer) === guest) this.#guests.delete(peer);
    });
    return true;
  }

  secured(peer: string, tls: TLSSocket): void {
    const guest = this.#guests.get(peer);
    if (guest !== undefined) guest.tls = tls;
  }

  /** The connection of a peer, for its certificate. */
  of(peer: string): TLSSocket | undefined {
    return this.#guests.get(peer)?.tls;
  }

  /** Somebody has shown who they are over it. */
  known(peer: string): void {
    const guest = this.#guests.get(peer);
    if (guest !== undefined) this.#settle(guest);
  }

  #settle(guest: Guest): void {
    if (guest.forgive === undefined) return;
    guest.forgive();
    guest.forgive = undefined;
    this.#strangerCount -= 1;
    const same = this.#strangers.get(guest.address)! - 1;
    if (same === 0) this.#strangers.delete(guest.address);
    else this.#strangers.set(guest.address, same);
  }
}
