import { closeSync, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { ErrorCode } from '../../model/failure/errors.ts';
import { Refusals } from './refusals.ts';

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
  /** It is the last of many in the same minute: so many more of this caller failed, or began, and are not written down. */
  more?: number;
}

/** One as it is written: with when it happened, ISO 8601. */
type DatedEntry = AuditEntry & { time: string };

export interface AuditLogOptions {
  path: string;
  /** Default 16 MiB. */
  longest?: number;
  clock: Clock;
  log: Logger;
}

/**
 * Who changed what, and who was refused: a line of JSON each, in PATH and, older ones, in PATH.1. It is in the file when
 * write() returns, but for what fails or begins again and again; a disk that takes nothing does not stop the core, but its log says so. What is wrong with turning over
 * costs no entry.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #refusals: Refusals<DatedEntry>;
  #file: number;
  #size: number;
  #isBroken = false;
  #isTooLong = false;

  /** @throws the error of the system */
  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.clock, (entry) => this.#append(entry));
    [this.#file, this.#size] = opened(options.path);
  }

  /**
   * @param hasBegun that it began is in the file: how it ended must be, too
   * @returns whether it is in the file now
   */
  write(entry: AuditEntry, hasBegun = false): boolean {
    const dated = { time: new Date(this.#options.clock.now()).toISOString(), ...entry };
    // What begins may be about nothing that is there. Apart: neither hides the other.
    const kind = entry.code === 'begun' ? 'begun' : '';
    // Of strangers it is known elsewhere how often they may be refused.
    const isFew = entry.code === 'ok' || entry.caller === '' || hasBegun;
    if (!isFew) return this.#refusals.add(`${entry.caller} ${kind}`, dated);
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
    this.#refusals.close();
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

const shortened = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value;
