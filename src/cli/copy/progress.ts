import { barLine, howFar } from '../output/bar-line.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { canRedraw, type World } from '../terminal/world.ts';

/** Milliseconds between two looks at how far it is, on a terminal. */
const INTERVAL = 100;
/** Elsewhere: a line for what takes long, and few of them. */
const LINE_INTERVAL = 10_000;
const COPYING = 'Copying ...';
/** Of a hostile sandbox's notes nobody would read more. */
const MOST_NOTES = 20;

/** Tells on stderr how a copy goes: in one line on a terminal, in a line now and then elsewhere. */
export class CopyProgress {
  readonly #world: Pick<World, 'terminal' | 'env' | 'clock'>;
  readonly #line: ProgressLine | undefined;
  readonly #isLive: boolean;
  readonly #notes: string[] = [];
  #bytes = 0;
  #nextAt: number;
  /** Bytes that there are to copy; undefined: nobody knows. */
  total: number | undefined;

  /** @param silent says nothing at all */
  constructor(world: Pick<World, 'terminal' | 'env' | 'clock'>, silent: boolean) {
    this.#world = world;
    const { terminal, env, clock } = world;
    if (!silent) this.#line = new ProgressLine(world);
    this.#isLive = canRedraw(terminal.stderr, env);
    this.#nextAt = clock.monotonic() + (this.#isLive ? 0 : LINE_INTERVAL);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  readonly note = (text: string): void => {
    if (this.#notes.length < MOST_NOTES) this.#notes.push(text);
  };

  readonly copied = (bytes: number): void => {
    this.#bytes += bytes;
    const now = this.#world.clock.monotonic();
    if (this.#line === undefined || now < this.#nextAt) return;
    this.#nextAt = now + (this.#isLive ? INTERVAL : LINE_INTERVAL);
    const measure = { current: this.#bytes, total: this.total ?? 0 };
    void this.#line.show(
      this.#isLive
        ? barLine(COPYING, measure, humanSize, this.#width)
        : `${COPYING} ${howFar(measure, humanSize)}`,
    );
  };

  /** Takes the live line away. */
  async clear(): Promise<void> {
    await this.#line?.clear();
  }

  get #width(): number {
    return Math.max((this.#world.terminal.stderr.columns || 80) - 1, 1);
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** As docker says it, by thousands: 1536000 -> `1.54MB`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
}
