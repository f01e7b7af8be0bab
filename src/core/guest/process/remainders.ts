import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
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
  /** Of each output that is watched, what cancels its next look. */
  readonly #looks = new Map<object, () => void>();
  #stopped = false;

  /** @param ping rejects with `timeout` when the guest does not answer, with anything else when it never will */
  constructor(clock: Clock, ping: (timeoutMs: number) => Promise<void>) {
    this.#clock = clock;
    this.#ping = ping;
  }

  /** Ends the output where it is, when nothing more comes of it. */
  watch(output: Pick<OutputQueue, 'received' | 'isOwed' | 'mayGrow' | 'cut'>): void {
    let silent = 0;
    let seen = output.received;
    const lookLater = (): void => {
      if (!this.#stopped) this.#looks.set(output, this.#clock.after(BETWEEN_LOOKS, look));
    };
    const look = async (): Promise<void> => {
      this.#looks.delete(output);
      if (!output.isOwed) return;
      const answered = await this.#isThere();
      if (answered === 'never' || !output.isOwed) return;
      silent = answered && output.mayGrow && output.received === seen ? silent + 1 : 0;
      seen = output.received;
      if (silent < SILENT_LOOKS) lookLater();
      else output.cut();
    };
    lookLater();
  }

  /** The channel is gone: nothing more comes of any. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#looks.values()) cancel();
    this.#looks.clear();
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
