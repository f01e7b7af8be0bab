import { isIPv6 } from 'node:net';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { formatDuration } from '../../model/quantity.ts';

/** Failures that an address has at once, and milliseconds for each of them to be forgotten. */
const BURST = 10;
const FORGET_MS = 6_000;
/** Addresses that are remembered; an attacker with more has the oldest forgotten. */
const MOST_ADDRESSES = 4096;

/**
 * Slows down who fails again and again. It never stands in the way of who does not fail: behind one address there may be
 * many, and a stranger among them must not lock the others out.
 */
export class Throttle {
  readonly #clock: Clock;
  /** When the last of the failures of each address is forgotten; monotonic milliseconds. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a failure. @returns the error (no_capacity) to answer with when there were too many; it is not counted then */
  failed(address: string): FsbError | undefined {
    const source = sourceOf(address);
    const now = this.#clock.monotonic();
    const until = Math.max(this.#until.get(source) ?? 0, now) + FORGET_MS;
    const over = until - now - BURST * FORGET_MS;
    if (over > 0) return tooMany(over);
    this.#until.delete(source);
    this.#until.set(source, until);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_ADDRESSES) this.#until.delete(oldest!);
    return undefined;
  }
}

const tooMany = (over: number): FsbError =>
  new FsbError('no_capacity', 'too many failed attempts to authenticate from this address', {
    hint: `Try again in ${formatDuration(Math.ceil(over / 1000) * 1000)}.`,
  });

/** Who has one IPv6 address has 2^64 of them. */
function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
