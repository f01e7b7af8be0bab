import type { RecordTable } from '../../../src/core/store/store.ts';

/** A RecordTable in memory, for tests whose subject is not durability. Values are copied, as a real store does. */
export function memoryTable<T>(initial: [string, T][] = []): RecordTable<T> {
  const records = new Map(initial.map(([key, value]) => [key, structuredClone(value)]));
  return {
    get: (key) => structuredClone(records.get(key)),
    entries: () =>
      [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, structuredClone(value)]),
    async put(key, value) {
      records.set(key, structuredClone(value));
    },
    async remove(key) {
      return records.delete(key);
    },
  };
}
