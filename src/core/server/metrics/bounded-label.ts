/**
 * The values of one label. What is measured is remembered for each of them until it is forgotten, so a value that users
 * can make up must not be able to fill the memory of the core, or of whoever gathers the metrics.
 */
export class BoundedLabel {
  readonly #limit: number;
  readonly #values = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value itself, or `other` when there are too many already. */
  of(value: string): string {
    if (!this.#values.has(value) && this.#values.size >= this.#limit) return 'other';
    this.#values.add(value);
    return value;
  }

  /** Forgets every value but these. @returns what was forgotten */
  keep(values: ReadonlySet<string>): string[] {
    const gone = [...this.#values].filter((value) => !values.has(value));
    for (const value of gone) this.#values.delete(value);
    return gone;
  }
}
