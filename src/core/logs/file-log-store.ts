import { setMaxListeners } from 'node:events';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { StreamName } from '../model/process.ts';
import { type LogTally, newTally } from '../model/tally.ts';
import { Turns } from '../model/turns.ts';
import { LaterWriter } from './later-writer.ts';
import { loadLog, type Repairs } from './load-log.ts';
import { readError, writeError } from './log-error.ts';
import type { LogStore, LogWriter } from './log-store.ts';
import { readLog } from './reader.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { asidePath, sizeOfLog } from './segment.ts';
import { type Retention, SegmentFile } from './segment-file.ts';
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

/** A log that somebody uses: loaded once, forgotten with its last user. */
interface OpenLog {
  loaded: Promise<{ known: SandboxLog; repairs: Repairs }>;
  users: number;
  /** Claimed from the moment that writer() is called, so that two calls at once cannot both have it. */
  hasWriter: boolean;
  writer?: LogWriter;
  /** There was none, and now another one's has come there: who waits for one reads that. */
  replaced?: true;
}

class FileLogStore implements LogStore {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tally: LogTally;
  readonly #retention: Retention;
  readonly #open = new Map<string, OpenLog>();
  /** Nobody begins to use a log while it is moved or removed. */
  readonly #turns = new Turns();
  readonly #closed = new AbortController();

  constructor(options: LogStoreOptions) {
    // Every follower listens; more than ten of them are no leak.
    setMaxListeners(0, this.#closed.signal);
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#tally = options.tally ?? newTally().logs;
    this.#retention = {
      segmentBytes: options.segmentBytes ?? 16_777_216,
      maxSegments: options.maxSegments ?? 3,
      indexBytes: options.indexBytes ?? 524_288,
    };
  }

  async writer(sandboxId: string, begin?: Readonly<Record<StreamName, number>>): Promise<LogWriter> {
    const entry = await this.#use(sandboxId);
    if (entry.hasWriter) {
      this.#release(sandboxId, entry);
      throw new FsbError('conflict', `the log of sandbox ${sandboxId} is already being written`);
    }
    entry.hasWriter = true;
    const onClose = (): void => {
      entry.hasWriter = false;
      delete entry.writer;
      this.#release(sandboxId, entry);
    };
    try {
      const { known, repairs } = await entry.loaded;
      const file = new SegmentFile(known, this.#retention);
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

  async *read(sandboxId: string, query: LogQuery, signal?: AbortSignal): AsyncGenerator<LogEntry> {
    let entry: OpenLog;
    do {
      entry = await this.#use(sandboxId);
      try {
        const { known } = await entry.loaded;
        const closed = this.#closed.signal;
        yield* readLog({ known, query, clock: this.#clock, log: this.#log, closed, signal });
      } catch (error) {
        throw readError(error, sandboxId);
      } finally {
        this.#release(sandboxId, entry);
      }
    } while (entry.replaced);
  }

  async desert(sandboxId: string): Promise<void> {
    const known = await this.#known(sandboxId);
    if (known === undefined) return;
    known.deserted = true;
    known.changed.ring();
  }

  async handOver(from: string, to: string): Promise<void> {
    // In one order, whoever hands what over to whom.
    const [first = from, second = to] = [from, to].sort();
    await this.#turns.take(first, () => this.#turns.take(second, () => this.#move(from, to)));
  }

  async offsets(sandboxId: string): Promise<Readonly<Record<StreamName, number>>> {
    const entry = await this.#use(sandboxId);
    try {
      return { ...(await entry.loaded).known.offsets };
    } catch (error) {
      throw readError(error, sandboxId);
    } finally {
      this.#release(sandboxId, entry);
    }
  }

  async remove(sandboxId: string): Promise<void> {
    const directory = this.#directoryOf(sandboxId);
    await this.#turns.take(sandboxId, () => this.#remove(sandboxId, directory));
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
    await Promise.all([...this.#open.values()].map((entry) => entry.writer?.close()));
  }

  #tell({ id, directory }: SandboxLog, { torn, spoiled }: Repairs): void {
    if (torn.length > 0) this.#log.warn({ sandbox: id, torn }, 'cutting the torn end off a log');
    const aside = spoiled.map(({ number }) => asidePath(directory, number));
    if (aside.length > 0) this.#log.error({ sandbox: id, aside }, 'what is damaged of a log is set aside');
  }

  /** Who reads it keeps what it knew of it, and goes on in the new place. */
  async #move(from: string, to: string): Promise<void> {
    const [known, awaited] = await Promise.all([this.#known(from), this.#known(to)]);
    const directory = this.#directoryOf(to);
    const moved = rename(this.#directoryOf(from), directory);
    if (known !== undefined)
      known.moving = moved.then(() => {
        known.directory = directory;
      }, noop);
    try {
      await moved;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writeError(error, from, this.#directory);
    }
    const entry = this.#open.get(to);
    if (entry !== undefined) entry.replaced = true;
    for (const id of [from, to]) this.#open.delete(id);
    if (known !== undefined) known.deserted = true;
    if (awaited !== undefined) awaited.removed = true;
    for (const each of [known, awaited]) each?.changed.ring();
  }

  /** What is known of a log that somebody uses; undefined when that is nothing, or nobody does. */
  async #known(sandboxId: string): Promise<SandboxLog | undefined> {
    const loaded = await this.#open.get(sandboxId)?.loaded.catch(noop);
    return loaded?.known;
  }

  async #remove(sandboxId: string, directory: string): Promise<void> {
    const entry = this.#open.get(sandboxId);
    if (entry !== undefined) {
      this.#open.delete(sandboxId);
      // A log that could not be loaded has no reader to wake, and must still be removable.
      const known = (await entry.loaded.catch(noop))?.known;
      if (known !== undefined) known.removed = true;
      known?.changed.ring();
      await entry.writer?.close();
    }
    await rm(directory, { recursive: true, force: true });
  }

  #use(sandboxId: string): Promise<OpenLog> {
    return this.#turns.take(sandboxId, async () => this.#used(sandboxId));
  }

  #used(sandboxId: string): OpenLog {
    const directory = this.#directoryOf(sandboxId);
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    let entry = this.#open.get(sandboxId);
    if (entry === undefined) {
      entry = { loaded: loadLog(sandboxId, directory, this.#log), users: 0, hasWriter: false };
      this.#open.set(sandboxId, entry);
    }
    entry.users += 1;
    return entry;
  }

  #release(sandboxId: string, entry: OpenLog): void {
    entry.users -= 1;
    if (entry.users === 0 && this.#open.get(sandboxId) === entry) this.#open.delete(sandboxId);
  }

  #directoryOf(sandboxId: string): string {
    if (ID.test(sandboxId)) return join(this.#directory, sandboxId);
    throw new FsbError('invalid_argument', `invalid sandbox id ${JSON.stringify(sandboxId)}`);
  }
}

const noop = (): void => {};

/** The log of an ended process, of which the next one has written nothing yet, goes on with a line of its own. */
function goOn(known: SandboxLog, begin: Readonly<Record<StreamName, number>>): void {
  if (known.offsets.stdout > begin.stdout || known.offsets.stderr > begin.stderr) return;
  known.ended = false;
  known.atLineStart = { stdout: true, stderr: true };
}
