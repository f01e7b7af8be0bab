import { Latch } from '../../model/async/latch.ts';
import type { Clock } from '../../model/clock.ts';
import type { OutputChunk } from '../../model/process.ts';

/** Milliseconds in which they come: a client looks for the next core for so long. */
const PATIENCE = 10_000;
/** Bytes that a record in the log takes besides its data, and more. */
const CHUNK_COST = 128;

/**
 * Whoever was attached when a core was killed comes back for what is said meanwhile, a moment after the next one has the process:
 * enough to say more than its log keeps. So until then it is held back once it has said so much.
 */
export class ExpectedReaders {
  readonly #came = new Latch();
  readonly #cancel: () => void;
  #room: number;

  /** @param room bytes that the log surely keeps of what is said from now on */
  constructor(room: number, clock: Pick<Clock, 'after'>) {
    this.#room = room;
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
