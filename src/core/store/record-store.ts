import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../model/clock.ts';
import { diskError } from '../model/disk-failure.ts';
import { FsbError } from '../model/errors.ts';
import { failpoint } from '../model/failpoint.ts';
import { newTally, type StoreTally } from '../model/tally.ts';
import { findDamage } from './environment-file.ts';
import { assertRoomForLocks, FileRoom } from './file-room.ts';
import { decodeRecord, encodeRecord, LmdbTable } from './record-table.ts';
import type { RecordStore, RecordStoreHealth, RecordTable, StrangeRecord, TableOptions } from './store.ts';

interface RecordStoreOptions {
  /** Belongs to the store alone; created when missing. */
  directory: string;
  clock?: Clock;
  /** Left out: nobody reads it. */
  tally?: StoreTally;
  log: Logger;
}

const DATA = 'data.mdb';
const MAX_TABLES = 32;
/** Where records of an unknown layout go, as `table/version/key`. */
const ASIDE = 'set-aside';
/** Keys that one line of the log names. */
const MOST_NAMED = 20;
/** Bytes of a key that LMDB takes, and room for a number behind it. */
const LONGEST_ASIDE = 1900;
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
  clock = systemClock,
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
  readonly #log: Logger;
  readonly #tally: StoreTally;
  readonly #tables = new Map<string, { version: number; table: LmdbTable<unknown> }>();
  readonly #writes = new Set<Promise<unknown>>();
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
    this.#log = log;
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
    this.#takeBack(name, version, database, options);
    this.#migrate(name, version, database, options);
    const table = new LmdbTable<T>({
      name,
      version,
      database,
      room: this.#room,
      track: (write) => this.#track(write),
      assertOpen: () => this.#assertOpen(),
    });
    this.#tables.set(name, { version, table: table as LmdbTable<unknown> });
    return table;
  }

  health(): RecordStoreHealth {
    this.#assertOpen();
    const aside = [...(this.#setAside()?.getRange({}) ?? [])];
    return {
      count: [...this.#tables.values()].reduce((sum, { table }) => sum + table.count, 0),
      size: statSync(join(this.#directory, DATA)).size,
      setAside: aside.map(({ key, value }) => ({
        table: key.slice(0, key.indexOf('/')),
        size: Buffer.byteLength(value),
      })),
      ...(this.#failure && { failure: { ...this.#failure, over: !this.#isFailing } }),
    };
  }

  strange(): StrangeRecord[] {
    this.#assertOpen();
    return [...(this.#setAside()?.getRange({}) ?? [])].map(({ key, value }) => ({
      ...placeAside(key),
      value: decodeRecord(value)?.value,
    }));
  }

  async dropSetAside(): Promise<void> {
    await this.#track(async () => {
      const giveBack = this.#room.take(undefined);
      try {
        await this.#setAside()?.clearAsync();
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
    await this.#root.close();
    this.#room.close();
  }

  /** Records of unknown layouts; undefined: there never were any. To make their table would be a write. */
  #setAside(): Database<string, string> | undefined {
    // The declaration leaves out that it may be told not to create.
    const options = { name: ASIDE, ...text, create: false } as { name: string };
    return this.#root.openDB<string, string>(options) as Database<string, string> | undefined;
  }

  /** What an earlier version has set aside, and this one knows, unless there is another record by now. */
  #takeBack<T>(
    name: string,
    version: number,
    database: Database<string, string>,
    options: TableOptions<T>,
  ): void {
    const aside = this.#setAside();
    const known = [...(aside?.getRange({}) ?? [])].flatMap(({ key: at, value }) => {
      const { table, key } = placeAside(at);
      if (table !== name || database.doesExist(key)) return [];
      const { today } = todays(value, version, options);
      return today === undefined ? [] : [{ at, key, today }];
    });
    if (aside === undefined || known.length === 0) return;
    failpoint('take-back.found');
    this.#root.transactionSync(() => {
      for (const { at, key, today } of known) {
        database.putSync(key, encodeRecord(version, today));
        aside.removeSync(at);
      }
    });
    failpoint('take-back.committed');
    this.#log.warn({ table: name, version, keys: known.map(({ key }) => key) }, 'records are taken back');
  }

  /** Once, before anyone reads the table, in one transaction: a crash leaves it as it was. */
  #migrate<T>(
    name: string,
    version: number,
    database: Database<string, string>,
    options: TableOptions<T>,
  ): void {
    const strange = [...database.getRange({})].flatMap(({ key, value }) => {
      const found = todays(value, version, options);
      return found.isToday ? [] : [{ key, value, ...found }];
    });
    if (strange.length === 0) return;
    failpoint('migrate.found');
    const aside = this.#root.openDB<string, string>({ name: ASIDE, ...text });
    this.#root.transactionSync(() => {
      for (const { key, value, from, today } of strange) {
        if (today === undefined) {
          aside.putSync(freeKey(aside, `${name}/${from ?? 'unreadable'}/${key}`), value);
          database.removeSync(key);
        } else database.putSync(key, encodeRecord(version, today));
      }
    });
    failpoint('migrate.committed');
    const left = strange.filter(({ today }) => today === undefined).map(({ key }) => String(key));
    const counts = { upgraded: strange.length - left.length, setAside: left.length };
    const keys = left.slice(0, MOST_NAMED);
    if (left.length === 0) this.#log.warn({ table: name, version, ...counts }, 'records were upgraded');
    else
      this.#log.error(
        { table: name, version, ...counts, keys },
        'records cannot be read; they are set aside',
      );
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

/** What a record is today. `from`: its layout; `today`: the value, undefined when there is no way to one. */
function todays<T>(
  record: string,
  version: number,
  { upgrade, fits = () => true }: TableOptions<T>,
): { isToday: boolean; from?: number; today?: T } {
  const found = decodeRecord(record);
  if (found === undefined) return { isToday: false };
  const from = found.version;
  if (from === version) {
    const isToday = fits(found.value);
    return { isToday, from, ...(isToday ? { today: found.value as T } : {}) };
  }
  try {
    const today = upgrade?.(found.value, from);
    return { isToday: false, from, ...(today !== undefined && fits(today) ? { today } : {}) };
  } catch {
    // It said that it has this layout, and has not.
    return { isToday: false, from };
  }
}

/** Which record lies under a key there: `table/version/key`, and perhaps a number behind it. */
function placeAside(aside: string): { table: string; key: string } {
  const [table = '', , ...key] = aside.split('/');
  return { table, key: key.join('/').replace(/#\d+$/, '') };
}

/** What was set aside earlier stays. */
function freeKey(aside: Database<string, string>, wanted: string): string {
  const key = Buffer.from(wanted).subarray(0, LONGEST_ASIDE).toString();
  if (!aside.doesExist(key)) return key;
  let number = 2;
  while (aside.doesExist(`${key}#${number}`)) number += 1;
  return `${key}#${number}`;
}
