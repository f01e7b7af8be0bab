import type { LogWriter } from '../../logs/log-store.ts';
import { Latch } from '../../model/async/latch.ts';
import { noop } from '../../model/async/noop.ts';
import type { OutputChunk, ProcessSession, StreamName } from '../../model/process.ts';
import { Beginning } from './beginning.ts';
import type { ExpectedReaders } from './expected-readers.ts';
import { OutputTap } from './output-tap.ts';
import type { Persistence } from './persistence.ts';

export interface Joined {
  tap: OutputTap;
  past: readonly OutputChunk[] | undefined;
  at: Readonly<Record<StreamName, number>>;
}

/**
 * Carries the output of a main process to its log and to whoever is attached.
 *
 * A chunk goes to the attached readers first and to the log after that: so a reader that replays what was said up to
 * the moment it joined, and then takes what is pushed, sees every byte once. The guest gets its credit back when both
 * have it; so while the log cannot be written, the process waits, until `writes` gives the chunk up.
 */
export class MainPump {
  readonly #main: ProcessSession;
  readonly #output: AsyncIterator<OutputChunk>;
  readonly #log: LogWriter;
  readonly #writes: Persistence;
  readonly #taps = new Set<OutputTap>();
  readonly #beginning: Beginning;
  /** The chunk under way; a reader that needs the log waits for its end. */
  #current: Promise<void> = Promise.resolve();
  #expected: ExpectedReaders | undefined;
  #ended = false;
  #missing = 0;
  /** Where each stream ends, as far as it was read. */
  readonly #ends: Record<StreamName, number>;
  /** The same, and the chunk under way. */
  readonly #pushed: Record<StreamName, number>;

  constructor(main: ProcessSession, log: LogWriter, writes: Persistence) {
    this.#main = main;
    this.#output = main.output[Symbol.asyncIterator]();
    this.#log = log;
    this.#writes = writes;
    this.#ends = { ...log.offsets };
    this.#pushed = { ...log.offsets };
    this.#beginning = new Beginning(log.offsets.stdout + log.offsets.stderr);
  }

  /** How many bytes were read and could not be written. */
  get missing(): number {
    return this.#missing;
  }

  /** How many bytes of each stream there were, in the log or `missing`. */
  get ends(): Readonly<Record<StreamName, number>> {
    return this.#ends;
  }

  /** Resolves when every byte is in the log or `missing`, or after `stop`; rejects when the channel was lost before that. */
  async run(): Promise<void> {
    // Once the process has ended, at most its last buffers are left: a reader that stalls must not delay the end.
    const exited = new Latch();
    this.#main.exited.catch(noop).then(() => {
      this.#expected?.came();
      for (const tap of this.#taps) tap.release();
      exited.open();
    });
    let failure: Error | undefined;
    try {
      for await (const chunk of { [Symbol.asyncIterator]: () => this.#output }) {
        if (this.#expected) await this.#expected.admit(chunk);
        this.#beginning.add(chunk);
        this.#pushed[chunk.stream] = chunk.offset + chunk.data.length;
        const pushed = [...this.#taps].map((tap) => tap.push(chunk));
        this.#current = (async () => {
          if (pushed.length > 0) await exited.first(Promise.all(pushed), () => []);
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

  /** For what comes from now on. */
  expect(readers: ExpectedReaders): void {
    this.#expected = readers;
  }

  /** Nobody waits for what has not come by now. What came is still written. */
  stop(): void {
    void this.#output.return?.().catch(noop);
  }

  /** What comes after a chunk that is given up is still worth a try. */
  async #record(chunk: OutputChunk): Promise<void> {
    this.#ends[chunk.stream] = chunk.offset + chunk.data.length;
    await this.#writes
      .insist(() => this.#log.append(chunk))
      .catch(() => {
        this.#missing += chunk.data.length;
      });
  }

  /**
   * Everything before `at` is in `past`, or in the log when there is no `past`; everything after will be pushed.
   * @param isExpected whether it is one of the readers who are expected
   */
  async join(isExpected = false): Promise<Joined> {
    // Until everything that was pushed is in the log. The next chunk may be pushed in any turn: none may pass between this and the tap.
    for (let seen: unknown; this.#beginning.chunks === undefined && seen !== this.#current; ) {
      seen = this.#current;
      await this.#current.catch(noop);
    }
    const tap = new OutputTap();
    if (this.#ended) tap.end();
    else this.#taps.add(tap);
    if (isExpected) this.#expected?.came();
    return { tap, past: this.#beginning.chunks, at: { ...this.#pushed } };
  }

  leave(tap: OutputTap): void {
    this.#taps.delete(tap);
    tap.leave();
  }
}
