import { join, parse } from 'node:path';
import { type AuditEntry, AuditLog, type AuditLogOptions, type Telling } from './audit-log.ts';

/** Who changed what, in one file; who was refused, in another one: nobody who may change nothing can push out what is in the first. */
export class AuditFiles {
  readonly #done: AuditLog;
  readonly #refused: AuditLog;

  /** @throws the error of the system */
  constructor(options: AuditLogOptions) {
    this.#done = new AuditLog(options);
    this.#refused = new AuditLog({ ...options, path: pathOfRefused(options.path) });
  }

  /** @returns as AuditLog.write() */
  write(entry: AuditEntry, telling: Telling = {}): boolean {
    const { code } = entry;
    const isRefused = code === 'unauthenticated' || code === 'denied';
    // How a call ended stands with its beginning.
    return (isRefused && !telling.hasBegun ? this.#refused : this.#done).write(entry, telling);
  }

  /** Idempotent. */
  close(): void {
    this.#done.close();
    this.#refused.close();
  }
}

/** Beside the other one: `audit-refused.log`. */
export function pathOfRefused(path: string): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-refused${ext}`);
}
