import type { Database } from 'lmdb';
import { diskError } from '../model/failure/disk-failure.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { Access } from './access.ts';
import type { FileRoom } from './file-room.ts';
import type { PutOptions, RecordTable } from './store.ts';

const LONGEST_KEY = 1024;

/** How a record lies on disk: its layout version and its value, as JSON text. */
export const encodeRecord = (version: number, value: unknown): string => JSON.stringify([version, value]);

/** undefined: it is no record of ours. */
export function decodeRecord(text: string): { version: number; value: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.length === 2 && typeof parsed[0] === 'number')
      return { version: parsed[0], value: parsed[1] };
  } catch {
    // Not even JSON: the same answer.
  }
  return undefined;
}

/** What the table needs from the store that owns it. */
interface TableParts {
  name: string;
  version: number;
  database: Database<string, string>;
  room: Pick<FileRoom, 'take'>;
  /** Registers a write, so that close() waits for it. @throws unavailable when the store is closed */
  track: <R>(write: () => Promise<R>) => Promise<R>;
  /** Around what lmdb reads and writes. */
  access: Pick<Access, 'read' | 'write'>;
  /** @throws unavailable when the store is closed */
  assertOpen: () => void;
}

/**
 * lmdb shows a write to readers only after its commit; what is on its way is therefore looked up in `#pending` first.
 * Values are held as text, so that nobody can change a record by changing an object.
 */
export class LmdbTable<T> implements RecordTable<T> {
  readonly #parts: TableParts;
  /** What is to be written, the newest last; null: the record is to be removed. */
  readonly #pending = new Map<string, { text: string | null }[]>();

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  get(key: string): T | undefined {
    const text = this.#text(key);
    return text === undefined ? undefined : this.#value(text);
  }

  *entries(): Iterable<[key: string, value: T]> {
    this.#parts.assertOpen();
    const texts = new Map<string, string>();
    this.#parts.access.read(() => {
      for (const { key, value } of this.#parts.database.getRange({})) texts.set(key, value);
    });
    for (const [key, writes] of this.#pending) {
      const { text } = writes.at(-1)!;
      if (text === null) texts.delete(key);
      else texts.set(key, text);
    }
    for (const key of [...texts.keys()].sort()) yield [key, this.#value(texts.get(key)!)];
  }

  /** Of the records that are durable. */
  get count(): number {
    return this.#parts.access.read(() => this.#parts.database.getCount());
  }

  async put(key: string, value: T, { fromReserve }: PutOptions = {}): Promise<void> {
    this.#assertKey(key);
    const text = encodeRecord(this.#parts.version, value);
    await this.#write(key, text, () => this.#parts.database.put(key, text), fromReserve);
  }

  async remove(key: string): Promise<boolean> {
    this.#assertKey(key);
    if (this.#text(key) === undefined) return false;
    await this.#write(key, null, () => this.#parts.database.remove(key));
    return true;
  }

  #text(key: string): string | undefined {
    this.#parts.assertOpen();
    const pending = this.#pending.get(key)?.at(-1);
    if (pending !== undefined) return pending.text ?? undefined;
    return this.#parts.access.read(() => this.#parts.database.get(key));
  }

  #value(text: string): T {
    return decodeRecord(text)!.value as T;
  }

  #write(
    key: string,
    text: string | null,
    write: () => Promise<boolean>,
    fromReserve?: boolean,
  ): Promise<void> {
    return this.#parts.track(async () => {
      const mine = { text };
      this.#pending.set(key, [...(this.#pending.get(key) ?? []), mine]);
      let isCommitted = false;
      let giveBack: (() => void) | undefined;
      try {
        failpoint('record.*.begun', this.#parts.name);
        giveBack = this.#parts.room.take(text === null ? undefined : Buffer.byteLength(text), fromReserve);
        await this.#parts.access.write(write);
        isCommitted = true;
        failpoint('record.*.committed', this.#parts.name);
      } catch (error) {
        throw writeError(error, `${this.#parts.name}/${key}`);
      } finally {
        giveBack?.();
        // The read transaction may be older than the commit: it would show the record as it was.
        this.#parts.database.resetReadTxn();
        this.#settled(key, mine, isCommitted);
      }
    });
  }

  /** One that failed hides those before it no longer, which may still come; one that is committed has taken their place. */
  #settled(key: string, write: { text: string | null }, isCommitted: boolean): void {
    const writes = this.#pending.get(key) ?? [];
    const left = isCommitted
      ? writes.slice(writes.indexOf(write) + 1)
      : writes.filter((each) => each !== write);
    if (left.length > 0) this.#pending.set(key, left);
    else this.#pending.delete(key);
  }

  #assertKey(key: string): void {
    if (key.length > 0 && Buffer.byteLength(key) <= LONGEST_KEY) return;
    throw new FsbError('invalid_argument', `invalid record key ${JSON.stringify(key.slice(0, 80))}`, {
      hint: `Use 1 to ${LONGEST_KEY} bytes.`,
    });
  }
}

function writeError(cause: unknown, record: string): FsbError {
  if (cause instanceof FsbError) return cause;
  const what = `cannot store the record ${record}`;
  const known = diskError(what, cause);
  if (known !== undefined) return known;
  return new FsbError('internal', `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
