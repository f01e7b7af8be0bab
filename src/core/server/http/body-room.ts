import { FsbError } from '../../model/errors.ts';
import { formatSize } from '../../model/quantity.ts';

/** Bytes of all bodies that are in memory at once: what one may hold, many together must not take from the core. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The memory that the bodies of all requests under way share. */
export class BodyRoom {
  #free = MOST_BYTES;

  /** @throws unavailable when there is not so much */
  take(bytes: number): void {
    if (bytes > this.#free)
      throw new FsbError(
        'unavailable',
        `the bodies of the calls under way take ${formatSize(MOST_BYTES)} together, which is all there is for them`,
        {
          hint: 'Try again when some of them have ended, or send large files with POST /sandbox/{id}/archive.',
        },
      );
    this.#free -= bytes;
  }

  giveBack(bytes: number): void {
    this.#free += bytes;
  }
}
