import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Logger } from 'pino';
import { diskError } from '../model/disk-failure.ts';
import { FsbError } from '../model/errors.ts';
import { findDamage } from './environment-file.ts';
import { FileRoom } from './file-room.ts';
import { decodeRecord, encodeRecord, LmdbTable } from './record-table.ts';
import type { RecordStore, RecordTable, TableOptions } from './store.ts';

interface RecordStoreOptions {
  /** Belongs to the store alone; created when missing. */
  directory: string;
  log: Logger;
}

const MAX_TABLES = 32;
/** Where records of an unknown layout go, as `table/version/key`. */
const ASIDE = 'set-aside';
const text = { encoding: 'string' } as const;

/**
 * Opens the records of one core. What cannot be read is renamed with a timestamp, reported, and replaced by an empty
 * environment: the runtime still tells what runs, and a core that starts can clean up.
 * @throws no_capacity (the first records, on a full disk), unavailable (a disk that cannot be written), internal when the
 * directory cannot be used at all (permissions)
 */
export async function openRecordStore({ directory, log }: RecordStoreOptions): Promise<RecordStore> {
  try {
    const damage = damageOf(directory);
    if (damage !== undefined) {
      const aside = `${directory}.aside-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
      renameSync(directory, aside);
      log.error({ directory, aside, damage }, 'the records cannot be read; they are set aside');
    }
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return await openEnvironment(directory, log);
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

async function openEnvironment(directory: string, log: Logger): Promise<RecordStore> {
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
    return new LmdbStore(root, new FileRoom(directory), log);
  } catch (error) {
    await root.close();
    throw error;
  }
}

function damageOf(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  if (!statSync(directory).isDirectory()) return 'it is not a directory';
  return findDamage(join(directory, 'data.mdb'));
}

class LmdbStore implements RecordStore {
  readonly #root: RootDatabase<string, string>;
  readonly #room: FileRoom;
  readonly #log: Logger;
  readonly #tables = new Map<string, { version: number; table: LmdbTable<unknown> }>();
  readonly #writes = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(root: RootDatabase<string, string>, room: FileRoom, log: Logger) {
    this.#root = root;
    this.#room = room;
    this.#log = log;
  }

  table<T>(name: string, version: number, options: TableOptions<T> = {}): RecordTable<T> {
    this.#assertOpen();
    const known = this.#tables.get(name);
    if (known !== undefined) {
      if (known.version === version) return known.table as RecordTable<T>;
      throw new FsbError('internal', `table ${name} is open with version ${known.version}, not ${version}`);
    }
    const database = this.#root.openDB<string, string>({ name, ...text });
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#root.close();
    this.#room.close();
  }

  /** Once, before anyone reads the table, in one transaction: a crash leaves it as it was. */
  #migrate<T>(
    name: string,
    version: number,
    database: Database<string, string>,
    options: TableOptions<T>,
  ): void {
    const old = [...database.getRange({})].filter(({ value }) => decodeRecord(value)?.version !== version);
    if (old.length === 0) return;
    const aside = this.#root.openDB<string, string>({ name: ASIDE, ...text });
    let upgraded = 0;
    this.#root.transactionSync(() => {
      for (const { key, value } of old) {
        const record = decodeRecord(value);
        const today = record === undefined ? undefined : options.upgrade?.(record.value, record.version);
        if (today === undefined) {
          aside.putSync(`${name}/${record?.version ?? 'unreadable'}/${key}`, value);
          database.removeSync(key);
        } else {
          database.putSync(key, encodeRecord(version, today));
          upgraded += 1;
        }
      }
    });
    this.#log.warn(
      { table: name, version, upgraded, setAside: old.length - upgraded },
      'records of another layout were found',
    );
  }

  async #track<R>(write: () => Promise<R>): Promise<R> {
    this.#assertOpen();
    const running = write();
    this.#writes.add(running);
    try {
      return await running;
    } finally {
      this.#writes.delete(running);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new FsbError('unavailable', 'the records are closed: the core is stopping');
  }
}
