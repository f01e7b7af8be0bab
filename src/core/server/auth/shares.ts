import { type Caller, LOCAL_CALLER } from '../../model/caller.ts';

/** Part that all callers but the user of the core may have together, and part that one of them may have. */
const OTHERS = 3 / 4;
const ONE = 1 / 2;

/**
 * Who has how much of something that all callers share. The user of the core may have all of it, and a part of it whatever
 * others do; none of these takes all that they have.
 */
export class Shares {
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** What everybody has together. */
  get all(): number {
    return this.#all;
  }

  of({ name }: Pick<Caller, 'name'>): number {
    return this.#taken.get(name) ?? 0;
  }

  /** Whose part is too small for so much more: the caller's own one, or that of all like them; undefined: there is room. */
  lacking(caller: Caller, amount: number): 'one' | 'all' | undefined {
    if (this.#all + amount > this.#most) return 'all';
    if (caller.name === LOCAL_CALLER.name) return undefined;
    if (this.of(caller) + amount > this.#most * ONE) return 'one';
    const others = this.#all - this.of(LOCAL_CALLER);
    return others + amount > this.#most * OTHERS ? 'all' : undefined;
  }

  /** @param amount negative: gives it back */
  take(caller: Caller, amount: number): void {
    const now = this.of(caller) + amount;
    if (now === 0) this.#taken.delete(caller.name);
    else this.#taken.set(caller.name, now);
    this.#all += amount;
  }
}
