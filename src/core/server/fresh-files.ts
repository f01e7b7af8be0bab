import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { FsbError } from '../model/failure/errors.ts';
import { unreadableFile } from '../model/failure/unreadable-file.ts';

/** Bytes of one file, at most: they are certificates and lists of tokens. */
const LONGEST = 1024 * 1024;

export interface FreshFilesOptions<Value, Name extends string> {
  /** Absolute paths. */
  files: Record<Name, string>;
  /** @throws FsbError */
  parse: (contents: Record<Name, Buffer>) => Value;
  /** Told once of each change that cannot be used; what was there before stays in effect. */
  onBroken: (error: FsbError) => void;
  onChanged: () => void;
}

/**
 * What a few files say, always as they are now: each use looks whether they were written or replaced, which costs a few
 * microseconds and needs no watcher that could miss a change or run out.
 */
export class FreshFiles<Value, Name extends string> {
  readonly #options: FreshFilesOptions<Value, Name>;
  #value: Value;
  /** That the value is of. */
  #state: string;
  /** That could not be read, the last one that was told. */
  #unread: string | undefined;

  /** @throws not_found, invalid_argument, denied (others may read a file), and as `parse` */
  constructor(options: FreshFilesOptions<Value, Name>) {
    this.#options = options;
    this.#state = this.#look();
    this.#value = options.parse(this.#read());
  }

  get value(): Value {
    const state = this.#look();
    if (state === this.#state) return this.#value;
    try {
      const contents = this.#read();
      // Looked at before it was read: what changed meanwhile is seen the next time.
      this.#state = state;
      this.#unread = undefined;
      this.#value = this.#options.parse(contents);
      this.#options.onChanged();
    } catch (error) {
      this.#broken(state, FsbError.from(error));
    }
    return this.#value;
  }

  /** What could not even be read may be all right: the next look tries it again. */
  #broken(state: string, error: FsbError): void {
    if (this.#state !== state) {
      if (this.#unread === state) return;
      this.#unread = state;
    }
    this.#options.onBroken(error);
  }

  #look(): string {
    return Object.values<string>(this.#options.files).map(stateOf).join(' ');
  }

  /** @throws not_found, invalid_argument */
  #read(): Record<Name, Buffer> {
    const entries = Object.entries<string>(this.#options.files);
    const contents = Object.fromEntries(entries.map(([name, path]) => [name, contentOf(path)]));
    return contents as Record<Name, Buffer>;
  }
}

/** Another text for another file, or the same one with another content. */
function stateOf(path: string): string {
  const stats = statsOf(path);
  if (stats === undefined) return '-';
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs].join(',');
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** @throws not_found, invalid_argument */
function contentOf(path: string): Buffer {
  const stats = statsOf(path);
  if (stats !== undefined && (!stats.isFile() || stats.size > LONGEST))
    throw new FsbError('invalid_argument', `cannot read ${path}: it is no file of at most 1 MiB`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadableFile(path, error as NodeJS.ErrnoException);
  }
}

/** Before a file with a secret is believed. @throws denied when others may read or write it */
export function assertPrivate(path: string): void {
  const stats = statsOf(path);
  if (stats === undefined || (stats.mode & 0o077n) === 0n) return;
  const mode = (stats.mode & 0o777n).toString(8).padStart(4, '0');
  throw new FsbError('denied', `other users may use ${path} (its mode is ${mode}): it holds a secret`, {
    hint: `Take that away: chmod 600 ${path}`,
  });
}
