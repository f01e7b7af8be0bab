/** What must not be collected, though nothing on record refers to it: a count for each digest, and for everything. */
export class Pins {
  readonly #counts = new Map<string, number>();
  #all = 0;

  has(digest: string): boolean {
    return this.#all > 0 || this.#counts.has(digest);
  }

  /**
   * @param digests also of what is yet to come; absent: everything, for one who does not know digests yet
   * @returns the way to end it, idempotent
   */
  add(digests?: Iterable<string>): () => void {
    const pinned = digests && new Set(digests);
    if (pinned === undefined) this.#all += 1;
    for (const digest of pinned ?? []) this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (pinned === undefined) this.#all -= 1;
      for (const digest of pinned ?? []) this.#remove(digest);
    };
  }

  #remove(digest: string): void {
    const count = this.#counts.get(digest)! - 1;
    if (count > 0) this.#counts.set(digest, count);
    else this.#counts.delete(digest);
  }
}
