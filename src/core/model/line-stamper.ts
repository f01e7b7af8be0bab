import type { LogEntry } from './logs.ts';
import type { StreamName } from './process.ts';

const NEWLINE = 10;

/** Puts the time before each line; entries may hold half lines, so it remembers where each stream stands. */
export class LineStamper {
  readonly #midLine = new Set<StreamName>();

  push(entry: LogEntry): Buffer {
    const stamp = Buffer.from(`${preciseTimestamp(entry.time)} `);
    const parts: Buffer[] = [];
    for (let start = 0; start < entry.data.length; ) {
      const newline = entry.data.indexOf(NEWLINE, start);
      const end = newline === -1 ? entry.data.length : newline + 1;
      if (!this.#midLine.has(entry.stream)) parts.push(stamp);
      parts.push(entry.data.subarray(start, end));
      if (newline === -1) this.#midLine.add(entry.stream);
      else this.#midLine.delete(entry.stream);
      start = end;
    }
    return Buffer.concat(parts);
  }
}

/** Microseconds, because many lines share a millisecond: `2026-01-31T10:00:00.123456Z`. */
export function preciseTimestamp(ms: number): string {
  const whole = Math.floor(ms);
  const micros = Math.min(999, Math.floor((ms - whole) * 1000));
  return new Date(whole).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
