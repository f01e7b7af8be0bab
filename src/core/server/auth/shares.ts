import { type Caller, hasScope, LOCAL_CALLER } from '../../model/caller.ts';

/** Part that one may have who does not administer the core: who does could end what others have anyway. */
const ONE = 1 / 2;
/** And parts that may be taken by all of those together when one of them wants more: the last is for the user of the core alone. */
const ADMINISTRATORS = 7 / 8;
const WHO_HAS_LITTLE = 6 / 8;
const WHO_HAS_MORE = 5 / 8;
/** Part that is little; one always is. */
const LITTLE = 1 / 256;

/**
 * Who has how much of something that all callers share. The user of the core may have all of it, and a part of it whatever
 * others do; none of these takes all that they have, and many of them together still leave some for who has nothing.
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
    const own = this.of(caller) + amount;
    if (own > this.#most * (hasScope(caller, 'admin') ? ADMINISTRATORS : ONE)) return 'one';
    const others = this.#all - this.of(LOCAL_CALLER);
    return others + amount > this.#most * this.#part(caller, own) ? 'all' : undefined;
  }

  #part(caller: Caller, own: number): number {
    if (hasScope(caller, 'admin')) return ADMINISTRATORS;
    return own <= Math.max(this.#most * LITTLE, 1) ? WHO_HAS_LITTLE : WHO_HAS_MORE;
  }

  /** @param amount negative: gives it back */
  take(caller: Caller, amount: number): void {
    const now = this.of(caller) + amount;
    if (now === 0) this.#taken.delete(caller.name);
    else this.#taken.set(caller.name, now);
    this.#all += amount;
  }
}
