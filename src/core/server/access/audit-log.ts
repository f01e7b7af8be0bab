import { closeSync, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { ErrorCode } from '../../model/failure/errors.ts';
import { Repeats } from './repeats.ts';

/** Bytes of one file; there are two of them, at most. */
const LONGEST = 16 * 1024 * 1024;

/** Characters of each text of an entry: who may call, but change nothing, must not push out what others did. */
const LONGEST_TEXT = 256;

export interface AuditEntry {
  /** Empty: nobody knows. */
  caller: string;
  /** `192.0.2.1:40000`; empty: gone already, or a socket of this machine. */
  address: string;
  /** `sandboxes.create`; of what was refused before it was a call, the path that was asked for. */
  method: string;
  /** What it was about: a name, nothing that came with it; its beginning, where it is long. */
  object: string;
  /** `begun`: unless it has `more`, another entry says how it ended, or the core died before. */
  code: 'begun' | 'ok' | ErrorCode;
  /** It is the last of many of its kind in the same minute: so many more there were that are not written down. */
  more?: number;
}

/** What is told to the log beside what it writes. */
export interface Telling {
  /** That it began is in the file, as of few: how it ended must be, too. */
  hasBegun?: boolean;
  /** It went well and changed nothing, whatever it was about. */
  isIdle?: boolean;
}

/** One as it is written: with when it happened, ISO 8601. */
type DatedEntry = AuditEntry & { time: string };

export interface AuditLogOptions {
  /** Absolute. */
  path: string;
  /** Default 16 MiB. */
  longest?: number;
  clock: Clock;
  log: Logger;
}

/**
 * Who did what: a line of JSON each, in PATH and, older ones, in PATH.1. It is in the file when
 * write() returns, but for what comes again and again; a disk that takes nothing does not stop the core, but its log says so. What is wrong with turning over
 * costs no entry.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #counted: Repeats<DatedEntry>;
  #file: number;
  #size: number;
  #isBroken = false;
  #isTooLong = false;

  /** @throws the error of the system */
  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#counted = new Repeats(options.clock, (entry) => this.#append(entry));
    [this.#file, this.#size] = opened(options.path);
  }

  /** @returns whether it is in the file now */
  write(entry: AuditEntry, { hasBegun = false, isIdle = false }: Telling = {}): boolean {
    const dated = { time: new Date(this.#options.clock.now()).toISOString(), ...entry };
    if (!hasBegun) return this.#counted.add(kindOf(entry, isIdle), dated);
    this.#append(dated);
    return true;
  }

  #append(entry: DatedEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry, shortened)}\n`);
    try {
      if (this.#size + line.length > (this.#options.longest ?? LONGEST)) this.#turnOver();
      this.#size += writeSync(this.#file, line);
      this.#isBroken = false;
    } catch (error) {
      if (!this.#isBroken) this.#options.log.error({ err: error }, 'the audit log cannot be written');
      this.#isBroken = true;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#counted.close();
    this.#closeFile();
  }

  #closeFile(): void {
    if (this.#file !== -1) closeSync(this.#file);
    this.#file = -1;
  }

  /** One that fails leaves the file that was written before, and the next entry tries again. */
  #turnOver(): void {
    const { path } = this.#options;
    try {
      // First what needs a descriptor and room: without its file the log could not go on.
      const [next, size] = opened(`${path}.next`);
      try {
        renameIfThere(path, `${path}.1`);
        renameSync(`${path}.next`, path);
      } catch (error) {
        closeSync(next);
        throw error;
      }
      this.#closeFile();
      [this.#file, this.#size] = [next, size];
      this.#isTooLong = false;
    } catch (error) {
      if (!this.#isTooLong)
        this.#options.log.error({ err: error }, 'the audit log cannot be turned over: it grows');
      this.#isTooLong = true;
    }
  }
}

/** An operator may have taken it away. @throws the error of the system */
function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function opened(path: string): [file: number, size: number] {
  const file = openSync(path, 'a', 0o600);
  fchmodSync(file, 0o600);
  return [file, fstatSync(file).size];
}

/**
 * What is counted together: what a caller fails at, or strangers ask for, who can make up as much of it as they like, and what changes
 * nothing; beginnings, apart, so that neither hides the other. Of what went well the same again: what differs is never hidden.
 */
function kindOf({ caller, method, object, code }: AuditEntry, isIdle: boolean): string {
  if (code !== 'ok') return JSON.stringify([caller, code === 'begun']);
  return JSON.stringify(isIdle ? [caller] : [caller, method, object], shortened);
}

const shortened = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value;
