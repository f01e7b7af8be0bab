import type { GuestProcess } from '../../guest/guest-channel.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import type { LiveSlot } from './live-slot.ts';

/** Milliseconds for somebody to feed it: a little more than clients look for the next core. */
const PATIENCE = 12_000;

export interface MainInputParts {
  main: Pick<GuestProcess, 'endInput'>;
  slot: LiveSlot;
  clock: Pick<Clock, 'after'>;
  complain: (error: unknown, what: string) => void;
}

/**
 * Who feeds the main process. Where it was run for the input of one client (AttachRequest.stdinOnce), it reads
 * end-of-file in a while after nobody feeds it any more: a command that reads to the end would wait for ever. That is on record, for
 * the client may go with its core.
 */
export class MainInput {
  readonly #parts: MainInputParts;
  #feeders = 0;
  #isOver = false;
  #stopWaiting = noop;

  constructor(parts: MainInputParts) {
    this.#parts = parts;
    this.#waitForSomebody();
  }

  /** @returns to be called when the feeder leaves; idempotent */
  join(once: boolean): () => void {
    this.#feeders += 1;
    this.#stopWaiting();
    if (once) this.#isOnce();
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#feeders -= 1;
      this.#waitForSomebody();
    };
  }

  /** The process has ended, or is left to the next core. */
  close(): void {
    this.#isOver = true;
    this.#stopWaiting();
  }

  /** Nobody waits for the record: without it, a sandbox whose client and core die together waits for input. */
  #isOnce(): void {
    const { slot, complain } = this.#parts;
    if (slot.now.stdinOnce) return;
    slot.learn({ stdinOnce: true });
    slot
      .save()
      .catch((error) => complain(error, 'cannot record that the input of a sandbox goes with its client'));
  }

  #waitForSomebody(): void {
    const { slot, clock, main } = this.#parts;
    if (this.#isOver || this.#feeders > 0 || !slot.now.stdinOnce) return;
    this.#stopWaiting = clock.after(PATIENCE, () => main.endInput());
  }
}
