import { ProgressLine } from '../output/progress-line.ts';
import { canRedraw, type World } from '../world.ts';

/** Milliseconds between two looks at how far it is. */
const INTERVAL = 100;
/** Of a hostile sandbox's notes nobody would read more. */
const MOST_NOTES = 20;

/** Tells on stderr how a copy goes: while it lasts on a terminal only, and how it ended. */
export class CopyProgress {
  readonly #world: Pick<World, 'terminal' | 'env' | 'clock'>;
  readonly #live: ProgressLine | undefined;
  readonly #notes: string[] = [];
  #bytes = 0;
  #nextAt = 0;

  /** @param silent says nothing at all */
  constructor(world: Pick<World, 'terminal' | 'env' | 'clock'>, silent: boolean) {
    this.#world = world;
    const { terminal, env } = world;
    if (!silent && canRedraw(terminal.stderr, env)) this.#live = new ProgressLine(world);
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
    if (this.#live === undefined || now < this.#nextAt) return;
    this.#nextAt = now + INTERVAL;
    void this.#live.show(`Copying ... ${humanSize(this.#bytes)}`);
  };

  /** Takes the live line away. */
  async clear(): Promise<void> {
    await this.#live?.clear();
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
