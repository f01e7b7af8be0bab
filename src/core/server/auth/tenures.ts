import type { Caller } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';

/** Milliseconds from one look to the next. */
const LOOK = 1_000;

/** Somebody who is known by a token or a certificate. */
export interface Known {
  caller: Caller;
  /** Whether they are, still, and with the same rights. */
  isStill(): boolean;
}

/** Told why what somebody has open is over. */
export type OnOver = (why: FsbError) => void;

interface Held {
  known: Known;
  open: Set<OnOver>;
}

/**
 * Those who were let in, for as long as they have something open: a call, a stream. Each call is asked who makes it when it
 * begins; what goes on for long must end, too, when its token was taken back. Nothing tells of that: it is looked up, once a
 * second for each token in use, and not at all when there is none.
 */
export class Tenures {
  readonly #clock: Clock;
  readonly #held = new Map<Caller, Held>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns to be called when it has ended otherwise; idempotent */
  begin(known: Known, onOver: OnOver): () => void {
    const held = this.#held.get(known.caller) ?? { known, open: new Set() };
    this.#held.set(known.caller, held);
    held.open.add(onOver);
    this.#cancel ??= this.#clock.after(LOOK, () => this.#look());
    return () => {
      held.open.delete(onOver);
      if (held.open.size === 0 && this.#held.get(known.caller) === held) this.#held.delete(known.caller);
      if (this.#held.size === 0) this.close();
    };
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    this.#cancel = undefined;
    for (const [caller, { known, open }] of [...this.#held]) {
      if (known.isStill()) continue;
      this.#held.delete(caller);
      for (const onOver of open) onOver(takenBack(caller));
    }
    // Whoever was told may have begun something for another one.
    if (this.#held.size > 0) this.#cancel ??= this.#clock.after(LOOK, () => this.#look());
  }
}

const takenBack = ({ name }: Caller): FsbError =>
  new FsbError(
    'unauthenticated',
    `${name} may not go on: its token or certificate was taken back or changed`,
    {
      hint: 'Ask who runs the core for a new one.',
    },
  );
