import { openSync, writeSync } from 'node:fs';
import type { Clock } from '../../../core/model/clock.ts';

/**
 * A file that lines are appended to. One that cannot be written, as on a full disk, is dropped and counted, and the next
 * one that can be tells so: neither the core nor its end may ever wait for its log. (A destination of pino's own tries
 * again for ever when it is to flush.)
 */
export class CoreLogFile {
  readonly #path: string;
  readonly #clock: Clock;
  #file: number | undefined;
  #dropped = 0;
  /** Why the first of those that were dropped was. */
  #reason = '';
  /** The file ends within a line. */
  #torn = false;

  /** It is opened by the first line, and stays open as long as the process lives. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @param line of JSON, with its end. Never throws. */
  write(line: string): void {
    try {
      this.#append(this.#dropped === 0 ? line : this.#gap() + line);
      this.#dropped = 0;
    } catch (error) {
      if (this.#dropped++ === 0) this.#reason = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  #append(text: string): void {
    this.#file ??= openSync(this.#path, 'a', 0o600);
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text);
    for (let done = 0; done < bytes.length; ) {
      const written = writeSync(this.#file, bytes, done);
      done += written;
      if (written > 0) this.#torn = done < bytes.length;
    }
  }

  #gap(): string {
    const [level, time, { pid }] = [WARN, this.#clock.now(), process];
    const gap = { level, time, pid, dropped: this.#dropped, why: this.#reason };
    return `${JSON.stringify({ ...gap, msg: 'lines of this log could not be written' })}\n`;
  }
}

/** As pino numbers it. */
const WARN = 40;
