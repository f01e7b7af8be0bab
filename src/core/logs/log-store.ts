import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { OutputChunk, StreamName } from '../model/process.ts';

/** A query of who knows how much of each stream there was before. */
export interface StoreQuery extends LogQuery {
  /** Of each stream only what comes behind so many bytes of it, in whichever order both came. Not with `tail`. */
  from?: Readonly<Record<StreamName, number>>;
}

export interface StoredEntry extends LogEntry {
  /** Bytes of its stream before its first one, since the log began. */
  offset: number;
}

/** How much a log has had that nobody writes to any more, whatever its files still have. */
export interface Said {
  /** Bytes of each stream. */
  offsets: Readonly<Record<StreamName, number>>;
  /** Nothing of it is later: wall clock, milliseconds. */
  until: number;
}

/** Writes the log of one sandbox. One writer at a time; owned by whoever pumps the main process. */
export interface LogWriter {
  /** Bytes of each stream that are on disk: where to resume the guest's streams after a restart of the core. */
  readonly offsets: Readonly<Record<StreamName, number>>;
  /** Of the last record that was accepted, milliseconds since the epoch; 0: there is none. */
  readonly time: number;
  /** Bytes of its end, with the heads of its records, that rotation surely leaves. */
  readonly kept: number;
  /** Resolves when the bytes survive a SIGKILL of the core. Bytes below the known offset are skipped, never doubled. */
  append(chunk: OutputChunk): Promise<void>;
  /** The bytes before these offsets that the log does not have are gone: it says so, and goes on there. */
  skipTo(offsets: Readonly<Record<StreamName, number>>): Promise<void>;
  /**
   * Marks the log as complete: followers end when they have read everything.
   * @param ends how many bytes of each stream there were; left out: those that were appended. What is missing then shows.
   */
  end(ends?: Readonly<Record<StreamName, number>>): Promise<void>;
  /**
   * Frees the descriptors without ending the log (the core stops, the sandbox lives on). When end() was asked for in vain,
   * followers end all the same. Idempotent.
   */
  close(): Promise<void>;
}

export interface LogStore {
  /**
   * Opens or continues the log of a sandbox; a torn tail is cut off, what is damaged is set aside.
   * @param begin where its process begins, as offsets() told: they count from there
   */
  writer(sandboxId: string, begin?: Readonly<Record<StreamName, number>>): Promise<LogWriter>;
  /**
   * It is another sandbox's log from now on, which goes on in it; nobody may write to either. Followers end when they have
   * read what there is; those who wait for one of `to` get it. Fine when there is none.
   * @throws why it cannot be moved: it is where it was then
   */
  handOver(from: string, to: string): Promise<void>;
  /** Bytes of each stream that a log has had, those that rotation took away too. @throws why it cannot be read */
  offsets(sandboxId: string): Promise<Readonly<Record<StreamName, number>>>;
  /** Event-driven follow; a sandbox without a log yields nothing (with follow: waits for one). */
  read(sandboxId: string, query: StoreQuery, signal?: AbortSignal): AsyncIterable<StoredEntry>;
  /** Nobody will write to it any more: followers end when they have read what there is. */
  desert(sandboxId: string): Promise<void>;
  /** Removes the files; followers end. Idempotent. */
  remove(sandboxId: string): Promise<void>;
  /** Bytes on the disk; 0 for a sandbox without a log. Left out: of all together. */
  size(sandboxId?: string): Promise<number>;
  /**
   * False where files are gone, cut or overwritten, of a log that is written to or that the record of its end tells of. A look
   * at their ends alone: what is damaged further in shows when it is read.
   */
  isWhole(sandboxId: string): Promise<boolean>;
  /** Ids that have files here. */
  list(): Promise<string[]>;
  /** Idempotent. */
  close(): Promise<void>;
}
