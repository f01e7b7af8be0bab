import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import type { OutputQueue } from './output-queue.ts';

/** Milliseconds between two looks, and for a guest to answer one. */
const BETWEEN_LOOKS = 500;
const ANSWER = 5_000;
/** So many looks in a row without a byte, and there are none. */
const SILENT_LOOKS = 3;

/**
 * What is left of the output of processes that have ended, and may never come: another process of the guest can have
 * read it out of the pipe, or the guest lies. A guest that answers, may send, and sends nothing has no more. One that does
 * not answer may be frozen: that one is waited for.
 */
export class Remainders {
  readonly #clock: Clock;
  readonly #ping: (timeoutMs: number) => Promise<void>;

  /** @param ping rejects with `timeout` when the guest does not answer, with anything else when it never will */
  constructor(clock: Clock, ping: (timeoutMs: number) => Promise<void>) {
    this.#clock = clock;
    this.#ping = ping;
  }

  /** Ends the output where it is, when nothing more comes of it. */
  watch(output: Pick<OutputQueue, 'received' | 'isOwed' | 'mayGrow' | 'cut'>): void {
    let silent = 0;
    let seen = output.received;
    const look = async (): Promise<void> => {
      if (!output.isOwed) return;
      const answered = await this.#isThere();
      if (answered === 'never' || !output.isOwed) return;
      silent = answered && output.mayGrow && output.received === seen ? silent + 1 : 0;
      seen = output.received;
      if (silent < SILENT_LOOKS) this.#clock.after(BETWEEN_LOOKS, look);
      else output.cut();
    };
    this.#clock.after(BETWEEN_LOOKS, look);
  }

  async #isThere(): Promise<boolean | 'never'> {
    try {
      await this.#ping(ANSWER);
      return true;
    } catch (error) {
      return error instanceof FsbError && error.code === 'timeout' ? false : 'never';
    }
  }
}
