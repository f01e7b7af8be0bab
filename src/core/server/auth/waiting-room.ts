/** Those who wait for their turn: of one address in the order in which they came, and the addresses in turn. */
export class WaitingRoom<T> {
  readonly #lines = new Map<string, Set<T>>();

  add(address: string, one: T): void {
    const line = this.#lines.get(address);
    if (line === undefined) this.#lines.set(address, new Set([one]));
    else line.add(one);
  }

  remove(address: string, one: T): void {
    const line = this.#lines.get(address);
    line?.delete(one);
    if (line?.size === 0) this.#lines.delete(address);
  }

  /** Takes out who is next of an address that has its turn. */
  next(mayCome: (address: string) => boolean): T | undefined {
    for (const [address, line] of this.#lines) {
      if (!mayCome(address)) continue;
      const [one] = line as Set<T>;
      line.delete(one!);
      // Behind all others.
      this.#lines.delete(address);
      if (line.size > 0) this.#lines.set(address, line);
      return one;
    }
    return undefined;
  }
}
