import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { diskFailure } from './disk-failure.ts';
import { FsbError } from './errors.ts';

/** An idle core has about forty open, and a call takes some for a moment. */
const LEAST = 64;
/** Milliseconds between two lines of the log that say the same. */
const BETWEEN_LINES = 60_000;

/** What takes descriptors for long leaves so many to others. */
const LEFT_BY = { boot: 18, stream: 10 } as const;

/** Files that the process may have open; undefined: it has so many now that it cannot look. */
export function descriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return undefined;
  }
}

/** Node has raised the soft limit to the hard one. @throws no_capacity: a core would fail here and there, with errors that blame others */
export function assertEnoughDescriptors(limit = descriptorLimit()): void {
  if (limit !== undefined && limit >= LEAST) return;
  throw new FsbError(
    'no_capacity',
    `only ${limit ?? 'a few'} files may be open at a time, and a core needs ${LEAST}`,
    {
      hint: 'Raise the hard limit: ulimit -n 4096 (LimitNOFILE= of a systemd service).',
    },
  );
}

/**
 * Keeps the last descriptors for calls. Nobody is told of a connection that cannot be accepted for want of one: Node
 * closes it, and the caller can only guess why. So what takes descriptors for long is refused in time, and calls, those
 * that delete something among them, go on.
 */
export class Descriptors {
  readonly #clock: Clock;
  readonly #log: Logger;
  #limit = descriptorLimit() ?? LEAST;
  #said = Number.NEGATIVE_INFINITY;
  #refused = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws no_capacity */
  assertFor(what: keyof typeof LEFT_BY): void {
    // A boot takes long enough to look again: `prlimit` may have changed it under a core that runs.
    if (what === 'boot') this.#limit = descriptorLimit() ?? this.#limit;
    if (this.#isLeft(LEFT_BY[what])) return;
    this.#refused++;
    this.#tell();
    const { code, why, hint } = diskFailure({ code: 'EMFILE' })!;
    throw new FsbError(code, `${why} (its limit is ${this.#limit})`, { hint });
  }

  /** So few that no connection may rest. */
  get isScarce(): boolean {
    return !this.#isLeft(LEFT_BY.stream);
  }

  #isLeft(wanted: number): boolean {
    if (lowestFree() + wanted < this.#limit) return true;
    // Somebody may have given it more.
    this.#limit = descriptorLimit() ?? this.#limit;
    return lowestFree() + wanted < this.#limit;
  }

  #tell(): void {
    const now = this.#clock.monotonic();
    if (now < this.#said + BETWEEN_LINES) return;
    this.#log.warn({ limit: this.#limit, refused: this.#refused }, 'too many files are open');
    [this.#said, this.#refused] = [now, 0];
  }
}

/** The kernel gives the lowest number that is free: all below it are taken. Infinity when there is none. */
function lowestFree(): number {
  try {
    const file = openSync('/dev/null', 'r');
    closeSync(file);
    return file;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
