/** A named collection of durable records. Values are plain data. */
export interface RecordTable<T> {
  get(key: string): T | undefined;
  /** Every record, in the order of its key. */
  entries(): Iterable<[key: string, value: T]>;
  /** Visible to reads at once; the promise resolves when the record survives a crash. */
  put(key: string, value: T): Promise<void>;
  /** As put; false when there was none. */
  remove(key: string): Promise<boolean>;
}

export interface RecordStore {
  /** `version` is the layout of the values; records of another version are upgraded or set aside, never misread. */
  table<T>(name: string, version: number): RecordTable<T>;
  /** Waits for what is being written. Idempotent. */
  close(): Promise<void>;
}
