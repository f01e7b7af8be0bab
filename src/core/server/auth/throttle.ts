import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { formatDuration } from '../../model/quantity.ts';
import { sourceOf } from '../ends.ts';

export interface Rate {
  /** How many an address has at once, and milliseconds for each of them to be forgotten. */
  burst: number;
  forgetMs: number;
  /** As in `too many failed attempts from this address`. */
  what: string;
  /** It is of callers, by their names, not of addresses. */
  ofCallers?: true;
}

const FAILURES: Rate = { burst: 10, forgetMs: 6_000, what: 'failed attempts to authenticate' };
/** Of what anybody may ask: whether the core is there, and its metrics. */
export const OPEN_QUESTIONS: Rate = { burst: 200, forgetMs: 20, what: 'questions' };
/** Of callers that are known: far more than a client needs, and less than would keep others waiting. */
export const CALLS: Rate = { burst: 2000, forgetMs: 2, what: 'calls', ofCallers: true };
/** Addresses that are remembered; an attacker with more has the oldest forgotten. */
const MOST_ADDRESSES = 4096;

/**
 * Slows down who fails, or asks, again and again. It never stands in the way of who does not: behind one address there may be
 * many, and a stranger among them must not lock the others out.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** When the last of the failures of each address is forgotten; monotonic milliseconds. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, rate = FAILURES) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Counts one. @param address or the name of a caller @returns the error (no_capacity) to answer with when there were too many; it is not counted then */
  count(address: string): FsbError | undefined {
    const { burst, forgetMs, what, ofCallers } = this.#rate;
    const source = ofCallers ? address : sourceOf(address);
    const now = this.#clock.monotonic();
    const until = Math.max(this.#until.get(source) ?? 0, now) + forgetMs;
    const over = until - now - burst * forgetMs;
    if (over > 0) return tooMany(ofCallers ? `${what} of ${address}` : `${what} from this address`, over);
    this.#until.delete(source);
    this.#until.set(source, until);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_ADDRESSES) this.#until.delete(oldest!);
    return undefined;
  }
}

function tooMany(what: string, over: number): FsbError {
  const retryAfter = Math.ceil(over / 1000);
  return new FsbError('no_capacity', `too many ${what}`, {
    hint: `Try again in ${formatDuration(retryAfter * 1000)}.`,
    retryAfter,
  });
}
