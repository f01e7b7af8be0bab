import type { LogWriter } from '../../logs/log-store.ts';
import type { OutputChunk, ProcessSession } from '../../model/process.ts';
import { OutputTap } from './output-tap.ts';
import type { Persistence } from './persistence.ts';

/**
 * Carries the output of a main process to its log and to whoever is attached.
 *
 * A chunk goes to the attached readers first and to the log after that: so a reader that replays the log up to the
 * moment it joined, and then takes what is pushed, sees every byte once. The guest gets its credit back when both
 * have it; so while the log cannot be written, the process waits.
 */
export class MainPump {
  readonly #main: ProcessSession;
  readonly #log: LogWriter;
  readonly #writes: Persistence;
  readonly #taps = new Set<OutputTap>();
  /** The chunk under way; joining waits for its end. */
  #current: Promise<void> = Promise.resolve();
  #ended = false;
  #missing = 0;

  constructor(main: ProcessSession, log: LogWriter, writes: Persistence) {
    this.#main = main;
    this.#log = log;
    this.#writes = writes;
  }

  /** How many bytes were read and could not be written. */
  get missing(): number {
    return this.#missing;
  }

  /** Resolves when every byte is in the log or `missing`; rejects when the channel was lost before that. */
  async run(): Promise<void> {
    // Once the process has ended, at most its last buffers are left: a reader that stalls must not delay the end.
    const exited = this.#main.exited.then(noop, noop).then(() => {
      for (const tap of this.#taps) tap.release();
    });
    let failure: Error | undefined;
    try {
      for await (const chunk of this.#main.output) {
        const pushed = [...this.#taps].map((tap) => tap.push(chunk));
        this.#current = (async () => {
          if (pushed.length > 0) await Promise.race([Promise.all(pushed), exited]);
          await this.#record(chunk);
        })();
        await this.#current;
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      this.#ended = true;
      for (const tap of this.#taps) tap.end(failure);
      this.#taps.clear();
    }
  }

  /** What comes after a chunk that is given up is still worth a try. */
  async #record(chunk: OutputChunk): Promise<void> {
    await this.#writes
      .insist(() => this.#log.append(chunk))
      .catch(() => {
        this.#missing += chunk.data.length;
      });
  }

  /** Resolves between two chunks: everything before is in the log, everything after will be pushed. */
  async join(): Promise<OutputTap> {
    for (let current: Promise<void> | undefined; current !== this.#current; ) {
      current = this.#current;
      await current.catch(noop);
    }
    const tap = new OutputTap();
    if (this.#ended) tap.end();
    else this.#taps.add(tap);
    return tap;
  }

  leave(tap: OutputTap): void {
    this.#taps.delete(tap);
    tap.end();
  }
}

const noop = (): void => {};
