/**
 * Who needs which image: a count for each digest; and which images are just being removed. In memory only; holders hold
 * again after a restart.
 */
export class Holds {
  readonly #counts = new Map<string, number>();
  readonly #leaving = new Set<string>();

  has(digest: string): boolean {
    return this.#counts.has(digest);
  }

  digests(): string[] {
    return [...this.#counts.keys()];
  }

  /** Its removal has begun: nobody may begin to use it. */
  isLeaving(digest: string): boolean {
    return this.#leaving.has(digest);
  }

  /** To be called in the tick in which nobody holds it. @returns to be called when it is gone */
  leave(digest: string): () => void {
    this.#leaving.add(digest);
    return () => this.#leaving.delete(digest);
  }

  /**
   * @param onLast called when nobody holds the digest any more
   * @returns the release, idempotent
   */
  add(digest: string, onLast: () => void): () => void {
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const count = this.#counts.get(digest)! - 1;
      if (count > 0) this.#counts.set(digest, count);
      else {
        this.#counts.delete(digest);
        onLast();
      }
    };
  }
}
