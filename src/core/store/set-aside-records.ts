import type { Database, RootDatabase } from 'lmdb';
import type { Logger } from 'pino';
import { diskError } from '../model/failure/disk-failure.ts';
import { isDiskFull } from '../model/failure/disk-full.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { FileRoom } from './file-room.ts';
import { decodeRecord, encodeRecord } from './record-table.ts';
import type { StrangeRecord, TableOptions } from './store.ts';

/** Where records of an unknown layout go, as `table/version/key`. */
const ASIDE = 'set-aside';
/** Keys that one line of the log names. */
const MOST_NAMED = 20;
/** Bytes of a key that LMDB takes, and room for a number behind it. */
const LONGEST_ASIDE = 1900;
const text = { encoding: 'string' } as const;

/**
 * Records that this version has no layout for: kept apart, until a version that knows them takes them back, or somebody
 * drops them. What has an older layout is brought up to date on the way.
 */
export class SetAsideRecords {
  readonly #root: RootDatabase<string, string>;
  readonly #room: Pick<FileRoom, 'take'>;
  readonly #log: Logger;
  /** Undefined: there never were any. To make their table would be a write. */
  #aside: Database<string, string> | undefined;

  constructor(root: RootDatabase<string, string>, room: Pick<FileRoom, 'take'>, log: Logger) {
    this.#root = root;
    this.#room = room;
    this.#log = log;
    // Once: to open a table waits for lmdb's writer, and after a failed commit it may never be heard of again.
    // The declaration leaves out that it may be told not to create.
    const options = { name: ASIDE, ...text, create: false } as { name: string };
    this.#aside = root.openDB<string, string>(options) as Database<string, string> | undefined;
  }

  list(): StrangeRecord[] {
    return this.#entries().map(({ key, value }) => ({
      ...placeAside(key),
      value: decodeRecord(value)?.value,
    }));
  }

  /** Of each its table, and its bytes. */
  sizes(): { table: string; size: number }[] {
    return this.#entries().map(({ key, value }) => ({
      table: placeAside(key).table,
      size: Buffer.byteLength(value),
    }));
  }

  async clear(): Promise<void> {
    await this.#aside?.clearAsync();
  }

  /**
   * What an earlier version has set aside, and this one knows, unless there is another record by now.
   * @throws no_capacity, unavailable: there is no room for it; all is as it was
   */
  takeBack<T>(
    name: string,
    version: number,
    database: Database<string, string>,
    options: TableOptions<T>,
  ): void {
    const aside = this.#aside;
    const known = this.#entries().flatMap(({ key: at, value }) => {
      const { table, key } = placeAside(at);
      if (table !== name || database.doesExist(key)) return [];
      const { today } = todays(value, version, options);
      return today === undefined ? [] : [{ at, key, today }];
    });
    if (aside === undefined || known.length === 0) return;
    failpoint('take-back.found');
    const records = known.map(({ at, key, today }) => ({ at, key, text: encodeRecord(version, today) }));
    this.#rewrite(
      name,
      records.map(({ text }) => text),
      () => {
        for (const { at, key, text } of records) {
          database.putSync(key, text);
          aside.removeSync(at);
        }
      },
    );
    failpoint('take-back.committed');
    this.#log.warn({ table: name, version, keys: known.map(({ key }) => key) }, 'records are taken back');
  }

  /**
   * Once, before anyone reads the table, in one transaction: a crash leaves it as it was.
   * @throws no_capacity, unavailable: there is no room for it; all is as it was
   */
  bringUpToDate<T>(
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
    const records = strange.map(({ value, today, ...found }) => ({
      ...{ ...found, isStrange: today === undefined },
      text: today === undefined ? value : encodeRecord(version, today),
    }));
    this.#rewrite(
      name,
      records.map(({ text }) => text),
      () => {
        this.#aside ??= this.#root.openDB<string, string>({ name: ASIDE, ...text });
        const aside = this.#aside;
        for (const { key, from, isStrange, text } of records) {
          if (isStrange) {
            aside.putSync(freeKey(aside, `${name}/${from ?? 'unreadable'}/${key}`), text);
            database.removeSync(key);
          } else database.putSync(key, text);
        }
      },
    );
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

  /** In one transaction, with room for all of it: lmdb must not find out that there is none. */
  #rewrite(name: string, values: string[], write: () => void): void {
    const what = `cannot bring the records of ${name} up to date`;
    const taken: (() => void)[] = [];
    try {
      for (const value of values) taken.push(this.#room.take(Buffer.byteLength(value)));
      this.#root.transactionSync(write);
    } catch (error) {
      if (isDiskFull(error)) throw noRoom(what, error);
      throw diskError(what, error) ?? error;
    } finally {
      for (const giveBack of taken) giveBack();
    }
  }

  #entries(): { key: string; value: string }[] {
    return [...(this.#aside?.getRange({}) ?? [])];
  }
}

/** No core is there to make room on the disk: it takes what else is on it. */
const noRoom = (what: string, cause: unknown): FsbError =>
  new FsbError('no_capacity', `${what} for this version: the disk is full`, {
    hint: 'Free some MiB on it by other means, and start again; the records are as they were, and what runs lives on.',
    cause,
  });

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
