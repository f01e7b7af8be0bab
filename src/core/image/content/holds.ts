/** Who needs which image: a count for each digest. In memory only; holders hold again after a restart. */
export class Holds {
  readonly #counts = new Map<string, number>();

  has(digest: string): boolean {
    return this.#counts.has(digest);
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
