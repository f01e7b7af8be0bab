/**
 * A map that takes no room until something is put in. Every warm instance has an idle channel, and four empty maps
 * would be a third of all that it costs the core.
 */
export class LazyMap<K, V> {
  #entries: Map<K, V> | undefined;

  get(key: K): V | undefined {
    return this.#entries?.get(key);
  }

  has(key: K): boolean {
    return this.#entries?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }

  delete(key: K): void {
    this.#entries?.delete(key);
  }

  values(): Iterable<V> {
    return this.#entries?.values() ?? [];
  }

  clear(): void {
    this.#entries = undefined;
  }
}
