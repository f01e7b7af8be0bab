import { OUTPUT_WINDOW } from '../../wire/stream/frames.ts';

/** The window that a client asks for, in bytes. */
export const CLIENT_WINDOW = OUTPUT_WINDOW;

/**
 * What came in and was not yet asked for. An item counts as consumed, and its credit goes back to the core, when the
 * next one is asked for; acknowledgements are gathered to a quarter of the window.
 */
export class Inbox<T> implements AsyncIterableIterator<T> {
  readonly #acknowledge: (consumed: number) => void;
  readonly #items: { item: T; cost: number }[] = [];
  #head = 0;
  #inHand = 0;
  #consumed = 0;
  #acknowledged = 0;
  #end: { error?: Error } | undefined;
  #discarding = false;
  #wake: (() => void) | undefined;

  constructor(acknowledge: (consumed: number) => void) {
    this.#acknowledge = acknowledge;
  }

  /** @param cost bytes of credit */
  push(item: T, cost: number): void {
    if (this.#end !== undefined) return;
    if (this.#discarding) this.#consume(cost);
    else this.#items.push({ item, cost });
    this.#wake?.();
  }

  /** No more items; the reader gets what is there, then the end or the error. The first end counts. */
  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    this.#consume(this.#inHand);
    this.#inHand = 0;
    while (this.#head === this.#items.length && this.#end === undefined) await this.#woken();
    const entry = this.#shift();
    if (entry !== undefined) {
      this.#inHand = entry.cost;
      return { done: false, value: entry.item };
    }
    if (this.#end?.error !== undefined) throw this.#end.error;
    return { done: true, value: undefined };
  }

  /** The reader wants no more: the rest is thrown away, so that it holds back nobody. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#discarding = true;
    let cost = this.#inHand;
    for (let entry = this.#shift(); entry !== undefined; entry = this.#shift()) cost += entry.cost;
    this.#inHand = 0;
    this.#consume(cost);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #shift(): { item: T; cost: number } | undefined {
    if (this.#head === this.#items.length) return undefined;
    const entry = this.#items[this.#head]!;
    this.#head += 1;
    // Array.shift() would move all that waits for every item.
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return entry;
  }

  #consume(cost: number): void {
    this.#consumed += cost;
    if (this.#consumed - this.#acknowledged < CLIENT_WINDOW / 4) return;
    this.#acknowledged = this.#consumed;
    this.#acknowledge(this.#consumed);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
