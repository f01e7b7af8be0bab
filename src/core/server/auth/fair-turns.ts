import { type Caller, LOCAL_CALLER } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';

/** Milliseconds of one turn of the event loop in which calls of one caller begin; one always does. */
const SPAN = 5;

interface Turn {
  /** When the first of them began. */
  since: number;
  waiting: (() => void)[];
}

/**
 * Has the calls of one caller begin over many turns of the event loop, however many came at once, so that those of others come in
 * between: each may keep the core busy for a while, as a page of a long list does.
 */
export class FairTurns {
  readonly #clock: Clock;
  readonly #turns = new Map<string, Turn>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined: it may begin at once. The user of the core always may. */
  of({ name }: Caller): Promise<void> | undefined {
    if (name === LOCAL_CALLER.name) return undefined;
    const turn = this.#turns.get(name);
    if (turn === undefined) {
      this.#begin(name, []);
      return undefined;
    }
    if (turn.waiting.length === 0 && this.#hasTime(turn)) return undefined;
    return new Promise((resolve) => turn.waiting.push(resolve));
  }

  #begin(name: string, waiting: Turn['waiting']): void {
    const turn: Turn = { since: this.#clock.monotonic(), waiting };
    this.#turns.set(name, turn);
    this.#serve(turn);
    setImmediate(() => {
      if (waiting.length > 0) this.#begin(name, waiting);
      else this.#turns.delete(name);
    });
  }

  /** One after the other, each with all that it does without waiting for something. */
  #serve(turn: Turn): void {
    turn.waiting.shift()?.();
    queueMicrotask(() =>
      process.nextTick(() => {
        if (turn.waiting.length > 0 && this.#hasTime(turn)) this.#serve(turn);
      }),
    );
  }

  #hasTime({ since }: Turn): boolean {
    return this.#clock.monotonic() - since < SPAN;
  }
}
