import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { diskError } from '../model/failure/disk-failure.ts';
import { FsbError } from '../model/failure/errors.ts';
import { newTally, type StoreTally } from '../model/tally.ts';
import { Access } from './access.ts';
import { findDamage } from './environment-file.ts';
import { assertRoomForLocks, FileRoom } from './file-room.ts';
import { LmdbTable } from './record-table.ts';
import { SetAsideRecords } from './set-aside-records.ts';
import type { RecordStore, RecordStoreHealth, RecordTable, StrangeRecord, TableOptions } from './store.ts';

interface RecordStoreOptions {
  /** Belongs to the store alone; created when missing. */
  directory: string;
  clock: Clock;
  /** Left out: nobody reads it. */
  tally?: StoreTally;
  log: Logger;
}

const DATA = 'data.mdb';
const MAX_TABLES = 32;
/** In the name of records that were set aside as a whole, before the time. */
export const ASIDE_MARK = '.aside-';
const text = { encoding: 'string' } as const;

/**
 * Opens the records of one core. What cannot be read is renamed with a timestamp, reported, and replaced by an empty
 * environment: the runtime still tells what runs, and a core that starts can clean up.
 * @throws no_capacity (the first records, on a full disk), unavailable (a disk that cannot be written), internal when the
 * directory cannot be used at all (permissions)
 */
export async function openRecordStore({
  directory,
  clock,
  tally = newTally().store,
  log,
}: RecordStoreOptions): Promise<RecordStore> {
  try {
    const damage = damageOf(directory);
    if (damage !== undefined) {
      const aside = `${directory}${ASIDE_MARK}${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')}`;
      renameSync(directory, aside);
      log.error({ directory, aside, damage }, 'the records cannot be read; they are set aside');
    }
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    assertRoomForLocks(directory);
    return await openEnvironment({ directory, clock, tally, log });
  } catch (error) {
    const what = `cannot open the records in ${directory}`;
    const known = diskError(what, error);
    if (known !== undefined) throw known;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FsbError('internal', `${what}: ${reason}`, {
      hint: 'Check that the directory belongs to you and that the disk is not full.',
      cause: error,
    });
  }
}

async function openEnvironment(options: Required<RecordStoreOptions>): Promise<RecordStore> {
  const { directory } = options;
  // Plain commits: a put resolves when it was synced, and the file has the documented layout with two meta pages.
  const root = open<string, string>({
    path: directory,
    maxDbs: MAX_TABLES,
    compression: false,
    overlappingSync: false,
    // With it, a failed commit also rejects a promise that lmdb keeps to itself, and that would end the process.
    eventTurnBatching: false,
    ...text,
  });
  try {
    return new LmdbStore(root, new FileRoom(directory), options);
  } catch (error) {
    await root.close();
    throw error;
  }
}

/** What is wrong with the records in a directory that no core has open; undefined: nothing, or there are none. */
export function damageOf(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  if (!statSync(directory).isDirectory()) return 'it is not a directory';
  return findDamage(join(directory, DATA));
}

class LmdbStore implements RecordStore {
  readonly #root: RootDatabase<string, string>;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #room: FileRoom;
  readonly #setAside: SetAsideRecords;
  readonly #tally: StoreTally;
  readonly #tables = new Map<string, { version: number; table: LmdbTable<unknown> }>();
  readonly #writes = new Set<Promise<unknown>>();
  readonly #access: Access;
  #closing: Promise<void> | undefined;

  #failure: { at: number; message: string } | undefined;
  #isFailing = false;

  constructor(
    root: RootDatabase<string, string>,
    room: FileRoom,
    { directory, clock, tally, log }: Required<RecordStoreOptions>,
  ) {
    this.#root = root;
    this.#room = room;
    this.#directory = directory;
    this.#clock = clock;
    this.#setAside = new SetAsideRecords(root, room, log);
    this.#access = new Access(clock, () => root.getCount());
    this.#tally = tally;
  }

  table<T>(name: string, version: number, options: TableOptions<T> = {}): RecordTable<T> {
    this.#assertOpen();
    const known = this.#tables.get(name);
    if (known !== undefined) {
      if (known.version === version) return known.table as RecordTable<T>;
      throw new FsbError('internal', `table ${name} is open with version ${known.version}, not ${version}`);
    }
    const database = this.#root.openDB<string, string>({ name, ...text });
    this.#setAside.takeBack(name, version, database, options);
    this.#setAside.bringUpToDate(name, version, database, options);
    const table = new LmdbTable<T>({
      name,
      version,
      database,
      room: this.#room,
      track: (write) => this.#track(write),
      access: this.#access,
      assertOpen: () => this.#assertOpen(),
    });
    this.#tables.set(name, { version, table: table as LmdbTable<unknown> });
    return table;
  }

  get over(): Promise<FsbError> {
    return this.#access.over;
  }

  health(): RecordStoreHealth {
    this.#assertOpen();
    return {
      count: [...this.#tables.values()].reduce((sum, { table }) => sum + table.count, 0),
      size: statSync(join(this.#directory, DATA)).size,
      setAside: this.#access.read(() => this.#setAside.sizes()),
      ...(this.#failure && { failure: { ...this.#failure, over: !this.#isFailing } }),
    };
  }

  strange(): StrangeRecord[] {
    this.#assertOpen();
    return this.#access.read(() => this.#setAside.list());
  }

  async dropSetAside(): Promise<void> {
    await this.#track(async () => {
      const giveBack = this.#room.take(undefined);
      try {
        await this.#access.write(() => this.#setAside.clear());
      } finally {
        giveBack();
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    const closed = this.#root.close();
    if (!this.#access.isOver) await closed;
    this.#room.close();
  }

  async #track<R>(write: () => Promise<R>): Promise<R> {
    this.#assertOpen();
    this.#tally.writes += 1;
    const running = write();
    this.#writes.add(running);
    try {
      const result = await running;
      this.#isFailing = false;
      return result;
    } catch (error) {
      this.#failure = { at: this.#clock.now(), message: FsbError.from(error).message };
      this.#isFailing = true;
      this.#tally.failures += 1;
      throw error;
    } finally {
      this.#writes.delete(running);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new FsbError('unavailable', 'the records are closed: the core is stopping');
  }
}
