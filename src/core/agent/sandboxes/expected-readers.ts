import { Latch } from '../../model/async/latch.ts';
import type { Clock } from '../../model/clock.ts';
import type { OutputChunk } from '../../model/process.ts';

/** Milliseconds in which they come: a client looks for the next core for so long. */
const PATIENCE = 10_000;
/** Bytes that a record in the log takes besides its data, and more. */
const CHUNK_COST = 128;

/**
 * Whoever has created a sandbox to attach to it, or was attached when a core was killed, comes a moment after this core has the
 * process, for all that is said meanwhile: enough to say more than its log keeps. So it is held back until then.
 */
export class ExpectedReaders {
  readonly #came = new Latch();
  readonly #cancel: () => void;
  #room: number;

  /** @param kept bytes of its end that the log surely keeps */
  constructor(kept: number, clock: Pick<Clock, 'after'>) {
    // What was said before the kill, and has not come to them yet, needs some of it, too.
    this.#room = kept / 2;
    this.#cancel = clock.after(PATIENCE, () => this.came());
  }

  /** One of them is there, or nobody is waited for any more. Idempotent. */
  came(): void {
    this.#cancel();
    this.#came.open();
  }

  /** Resolves when this may be said. */
  async admit({ data }: OutputChunk): Promise<void> {
    this.#room -= data.length + CHUNK_COST;
    if (this.#room < 0) await this.#came.wait();
  }
}
