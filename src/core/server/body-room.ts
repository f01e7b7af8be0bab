import type { Caller } from '../model/caller.ts';
import { FsbError } from '../model/failure/errors.ts';
import { formatSize } from '../model/quantity.ts';
import { Shares } from './auth/shares.ts';

/** Bytes of all bodies that are in memory at once: what one may hold, many together must not take from the core. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Bytes of one from whom may only read, who has nothing long to say. */
export const LONGEST_OF_READER = 64 * 1024;

const hint = 'Try again when some of them have ended, or send large files with POST /sandbox/{id}/archive.';

/** The memory that the bodies of all requests under way share. */
export class BodyRoom {
  readonly #shares = new Shares(MOST_BYTES);

  /** @throws unavailable when there is not so much; no_capacity when the caller has all that one may have */
  take(caller: Caller, bytes: number): void {
    const lacking = this.#shares.lacking(caller, bytes);
    if (lacking === 'one')
      throw new FsbError(
        'no_capacity',
        `the bodies of the calls of ${caller.name} take ${formatSize(this.#shares.of(caller))}, as much as those of one caller may`,
        { hint },
      );
    if (lacking === 'all')
      throw new FsbError(
        'unavailable',
        `the bodies of the calls under way take ${formatSize(this.#shares.all)} together, which is all there is for them`,
        { hint },
      );
    this.#shares.take(caller, bytes);
  }

  giveBack(caller: Caller, bytes: number): void {
    this.#shares.take(caller, -bytes);
  }
}
