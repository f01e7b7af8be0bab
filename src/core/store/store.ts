import type { FsbError } from '../model/failure/errors.ts';

/** A named collection of durable records. Values are plain data: what JSON keeps. */
export interface RecordTable<T> {
  /** A copy of one's own. */
  get(key: string): T | undefined;
  /** Every record, in the order of its key. */
  entries(): Iterable<[key: string, value: T]>;
  /**
   * Visible to reads at once; the promise resolves when the record survives a crash. When it cannot be made durable
   * the promise rejects, and reads see again what is.
   */
  put(key: string, value: T, options?: PutOptions): Promise<void>;
  /** As put; false when there was none. */
  remove(key: string): Promise<boolean>;
}

export interface PutOptions {
  /**
   * On a full disk it may take the room that is kept for such: of a record that is there already, for what has happened
   * and nobody can find out again. For long values, and many at once, it may be too small.
   */
  fromReserve?: boolean;
}

export interface TableOptions<T> {
  /** Turns a value of an earlier layout into today's; undefined sets the record aside. */
  upgrade?: (value: unknown, from: number) => T | undefined;
  /** Whether a value of today's layout is one: what is not, a foreign or half record, is set aside. Left out: all are. */
  fits?: (value: unknown) => boolean;
}

/** A record of an unknown layout, which was set aside. */
export interface StrangeRecord {
  table: string;
  key: string;
  /** What it says; undefined: it is torn. */
  value?: unknown;
}

export interface RecordStoreHealth {
  /** Of all tables. */
  count: number;
  /** Bytes of the files. */
  size: number;
  /** Records of unknown layouts, by the table from which they were set aside. */
  setAside: { table: string; size: number }[];
  /** The last write that failed; `over`: others have gone well since then. */
  failure?: { at: number; message: string; over: boolean };
}

export interface RecordStore {
  /**
   * `version` is the layout of the values; records of another version are upgraded or set aside, never misread;
   * what is set aside is told in the log and stays in the store, until a version that knows its layout opens the table.
   * @throws no_capacity, unavailable: there is no room to bring them up to date; all is as it was
   */
  table<T>(name: string, version: number, options?: TableOptions<T>): RecordTable<T>;
  health(): RecordStoreHealth;
  /** What is set aside. */
  strange(): StrangeRecord[];
  /** Removes the records of unknown layouts. @throws no_capacity, internal */
  dropSetAside(): Promise<void>;
  /**
   * Resolves when the disk has failed in a way after which nothing can be read or written through this store any more: all
   * calls are `unavailable` then, and only another process can open the records again.
   */
  readonly over: Promise<FsbError>;
  /** Waits for what is being written. Idempotent. */
  close(): Promise<void>;
}
