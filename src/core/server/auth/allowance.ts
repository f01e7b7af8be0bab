import { FsbError } from '../../model/failure/errors.ts';

/**
 * Of something that all callers share, what each of them may have at once, by their names: who is known can still be careless,
 * or not the one whose token it is.
 */
export class Allowance {
  readonly #most: number;
  readonly #what: string;
  readonly #taken = new Map<string, number>();

  /** @param what as in `1024 calls open` */
  constructor(most: number, what: string) {
    this.#most = most;
    this.#what = what;
  }

  /** @throws no_capacity: it has as many as it may */
  assertRoom(caller: string): void {
    const taken = this.#taken.get(caller) ?? 0;
    if (taken < this.#most) return;
    throw new FsbError(
      'no_capacity',
      `${caller} has ${taken} ${this.#what}, as many as one caller may have at once`,
      { hint: 'Try again when some of them have ended, or use a token of another name.' },
    );
  }

  /** @returns gives it back; idempotent */
  take(caller: string): () => void {
    this.#taken.set(caller, (this.#taken.get(caller) ?? 0) + 1);
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      const left = this.#taken.get(caller)! - 1;
      if (left === 0) this.#taken.delete(caller);
      else this.#taken.set(caller, left);
    };
  }
}

/** Of one caller, over all listeners; streams are bounded by the memory that there is (../ws/stream-room.ts). */
const MOST_CALLS = 1024;

/** What each caller of a core may have open. */
export const openCalls = (): Allowance => new Allowance(MOST_CALLS, 'calls open');
