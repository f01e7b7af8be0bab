import { setMaxListeners } from 'node:events';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { noop } from '../model/async/noop.ts';
import { Turns } from '../model/async/turns.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { StreamName } from '../model/process.ts';
import { type LogTally, newTally } from '../model/tally.ts';
import { hasAll, hasSegments } from './has-all.ts';
import { LaterWriter } from './later-writer.ts';
import { loadLog, type Repairs } from './load-log.ts';
import { moveError, readError, writeError } from './log-error.ts';
import type { LogStore, LogWriter, Said, StoredEntry, StoreQuery } from './log-store.ts';
import { type OpenLog, OpenLogs } from './open-logs.ts';
import { readLog } from './reader.ts';
import { goOn, type SandboxLog } from './sandbox-log.ts';
import { READS_AT_ONCE } from './segment.ts';
import { SegmentFile, type SegmentLimits } from './segment-file.ts';
import { asidePath, sizeOfLog } from './segment-names.ts';
import { QueuedLogWriter } from './writer.ts';

export interface LogStoreOptions {
  /** One folder for each sandbox is made in it; created when missing. */
  directory: string;
  clock: Clock;
  /** Bytes of one file. Default 16 MiB. */
  segmentBytes?: number;
  /** Files that are kept of one sandbox; the oldest goes when one more begins. Default 3. */
  maxSegments?: number;
  /** Bytes between two marks of the index. Default 512 KiB. */
  indexBytes?: number;
  /** What is on record of a log. What its files lack of that is told as missing. Left out: nothing is known. */
  said?: (sandboxId: string) => Said | undefined;
  /** Left out: nobody reads it. */
  tally?: LogTally;
  log: Logger;
}

const ID = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/;

/** Logs in files. What was appended survives a SIGKILL of this process, not a power cut (nothing is synced). */
export async function createLogStore(options: LogStoreOptions): Promise<LogStore> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  return new FileLogStore(options);
}

class FileLogStore implements LogStore {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tally: LogTally;
  readonly #limits: SegmentLimits;
  readonly #said: (sandboxId: string) => Said | undefined;
  readonly #reads: Turns;
  readonly #closed = new AbortController();
  readonly #open: OpenLogs;

  constructor(options: LogStoreOptions) {
    // Every follower listens; more than ten of them are no leak.
    setMaxListeners(0, this.#closed.signal);
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#tally = options.tally ?? newTally().logs;
    this.#said = options.said ?? (() => undefined);
    const reads = new Turns(READS_AT_ONCE);
    this.#reads = reads;
    this.#open = new OpenLogs(
      (id) => loadLog(id, { directory: this.#directoryOf(id), reads }, this.#log, this.#said(id)),
      this.#closed.signal,
    );
    this.#limits = {
      segmentBytes: options.segmentBytes ?? 16_777_216,
      maxSegments: options.maxSegments ?? 3,
      indexBytes: options.indexBytes ?? 524_288,
    };
  }

  async writer(sandboxId: string, begin?: Readonly<Record<StreamName, number>>): Promise<LogWriter> {
    const entry = await this.#open.use(sandboxId);
    if (entry.hasWriter) {
      this.#open.release(sandboxId, entry);
      throw new FsbError('conflict', `the log of sandbox ${sandboxId} is already being written`);
    }
    entry.hasWriter = true;
    const onClose = (): void => {
      entry.hasWriter = false;
      delete entry.writer;
      this.#open.release(sandboxId, entry);
    };
    try {
      const { known, repairs } = await entry.loaded;
      const file = new SegmentFile(known, this.#limits);
      this.#tell(known, repairs);
      await file.repair(repairs);
      repairs.torn.length = 0;
      if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
      known.deserted = false;
      if (begin !== undefined) goOn(known, begin);
      const surroundings = { clock: this.#clock, log: this.#log, tally: this.#tally };
      entry.writer = new QueuedLogWriter({ known, file, ...surroundings, onClose });
      return begin === undefined ? entry.writer : new LaterWriter(entry.writer, begin);
    } catch (error) {
      onClose();
      throw writeError(error, sandboxId, this.#directory);
    }
  }

  async *read(sandboxId: string, query: StoreQuery, signal?: AbortSignal): AsyncGenerator<StoredEntry> {
    let entry: OpenLog;
    do {
      entry = await this.#open.use(sandboxId);
      try {
        const { known } = await entry.loaded;
        const closed = this.#closed.signal;
        yield* readLog({ known, query, clock: this.#clock, log: this.#log, closed, signal });
      } catch (error) {
        throw readError(error, sandboxId);
      } finally {
        this.#open.release(sandboxId, entry);
      }
    } while (entry.replaced);
  }

  async desert(sandboxId: string): Promise<void> {
    for (const known of await this.#open.known(sandboxId)) {
      known.deserted = true;
      known.changed.ring();
    }
  }

  async handOver(from: string, to: string): Promise<void> {
    await this.#open.alone([from, to], () => this.#move(from, to));
  }

  async offsets(sandboxId: string): Promise<Readonly<Record<StreamName, number>>> {
    const entry = await this.#open.use(sandboxId);
    try {
      return { ...(await entry.loaded).known.offsets };
    } catch (error) {
      throw readError(error, sandboxId);
    } finally {
      this.#open.release(sandboxId, entry);
    }
  }

  async remove(sandboxId: string): Promise<void> {
    const directory = this.#directoryOf(sandboxId);
    await this.#open.alone([sandboxId], () => this.#remove(sandboxId, directory));
  }

  async isWhole(sandboxId: string): Promise<boolean> {
    const place = { directory: this.#directoryOf(sandboxId), reads: this.#reads };
    const [known] = await this.#open.known(sandboxId);
    const said = this.#said(sandboxId);
    if (said !== undefined) return hasAll(place, said);
    return known === undefined || hasSegments(known);
  }

  async list(): Promise<string[]> {
    const entries = await readdir(this.#directory, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() && ID.test(entry.name) ? [entry.name] : []));
  }

  async size(sandboxId?: string): Promise<number> {
    if (sandboxId !== undefined) return sizeOfLog(this.#directoryOf(sandboxId));
    const sizes = await Promise.all((await this.list()).map((id) => sizeOfLog(this.#directoryOf(id))));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async close(): Promise<void> {
    this.#closed.abort(new FsbError('unavailable', 'the log was closed: the core is stopping'));
    await Promise.all(this.#open.writers().map((writer) => writer.close()));
  }

  #tell({ id, directory }: SandboxLog, { torn, spoiled }: Repairs): void {
    if (torn.length > 0) this.#log.warn({ sandbox: id, torn }, 'cutting the torn end off a log');
    const aside = spoiled.map(({ number }) => asidePath(directory, number));
    if (aside.length > 0) this.#log.error({ sandbox: id, aside }, 'what is damaged of a log is set aside');
  }

  /** Who reads it keeps what it knew of it, and goes on in the new place. */
  async #move(from: string, to: string): Promise<void> {
    const [read, awaited] = [await this.#open.known(from), await this.#open.known(to)];
    const directory = this.#directoryOf(to);
    const moved = rename(this.#directoryOf(from), directory);
    const moving = moved.then(() => {
      for (const known of read) known.directory = directory;
    }, noop);
    for (const known of read) known.moving = moving;
    try {
      await moved;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw moveError(error, from);
    }
    this.#open.moved(from, to);
    for (const known of read) known.deserted = true;
    for (const known of awaited) known.removed = true;
    for (const known of [...read, ...awaited]) known.changed.ring();
  }

  async #remove(sandboxId: string, directory: string): Promise<void> {
    for (const known of await this.#open.known(sandboxId)) {
      known.removed = true;
      known.changed.ring();
    }
    await this.#open.forget(sandboxId)?.writer?.close();
    await rm(directory, { recursive: true, force: true });
  }

  #directoryOf(sandboxId: string): string {
    if (ID.test(sandboxId)) return join(this.#directory, sandboxId);
    throw new FsbError('invalid_argument', `invalid sandbox id ${JSON.stringify(sandboxId)}`);
  }
}
