import { isIPv6 } from 'node:net';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { formatDuration } from '../../model/quantity.ts';

/** Failures that an address has at once, and milliseconds for each of them to be forgotten. */
const BURST = 10;
const FORGET_MS = 6_000;
/** Addresses that are remembered; an attacker with more has the oldest forgotten. */
const MOST_ADDRESSES = 4096;

/** Slows down who guesses: after a few failures an address is refused unheard, until it has been quiet for a while. */
export class Throttle {
  readonly #clock: Clock;
  /** When the last of the failures of each address is forgotten; monotonic milliseconds. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws no_capacity */
  assertMayTry(address: string): void {
    const left = (this.#until.get(sourceOf(address)) ?? 0) - this.#clock.monotonic();
    const over = left - (BURST - 1) * FORGET_MS;
    if (over <= 0) return;
    throw new FsbError('no_capacity', 'too many failed attempts to authenticate from this address', {
      hint: `Try again in ${formatDuration(Math.ceil(over / 1000) * 1000)}.`,
    });
  }

  failed(address: string): void {
    const source = sourceOf(address);
    const now = this.#clock.monotonic();
    const until = Math.max(this.#until.get(source) ?? 0, now) + FORGET_MS;
    this.#until.delete(source);
    this.#until.set(source, until);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_ADDRESSES) this.#until.delete(oldest!);
  }
}

/** Who has one IPv6 address has 2^64 of them. */
function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
