import type { AgentSandbox } from '../../api/agent-api.ts';
import type { SharedWork } from '../../model/async/shared-work.ts';
import type { SandboxEvent } from '../../model/event.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { isLive, type PhaseState, transition } from '../../model/sandbox/phase.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import type { RecordTable } from '../../store/store.ts';
import { eventOfChange, eventOfStep, happening, type OnHappening } from './happenings.ts';

/** How many of its last events a sandbox remembers. */
const EVENTS_KEPT = 10;

/** One sandbox in the controller: its record, who waits for its changes, and what is under way with it. */
export class SandboxEntry {
  /** Of its record, for ever: a new generation is one write, in place of the one before. */
  readonly key: string;
  #sandbox: Sandbox;
  readonly #table: RecordTable<Sandbox>;
  readonly #happened: OnHappening;
  readonly #listeners = new Set<(sandbox: Sandbox) => void>();
  /** Aborts a start that is under way. */
  starting?: AbortController;
  /** Its creation, for every caller who asked for it. */
  start?: SharedWork<Sandbox>;
  /**
   * The one deletion that every caller waits for; `recorded` when it would survive a crash. Cleared when it fails, so
   * that the next call tries again.
   */
  deletion?: { grace: number; recorded: Promise<void>; gone: Promise<void> };

  /** Its end is under way, by a stop that callers may hurry on. */
  ending?: { grace: number };

  /** With what its start failed, as long as nobody knows whether the node had begun it. */
  failedStart?: FsbError;

  /** The report of an end that came before the start was known. */
  early?: AgentSandbox;

  #gone: FsbError | undefined;
  #readers = 0;

  constructor(key: string, sandbox: Sandbox, table: RecordTable<Sandbox>, happened: OnHappening) {
    this.key = key;
    this.#sandbox = sandbox;
    this.#table = table;
    this.#happened = happened;
  }

  /** A snapshot: it is replaced, never changed. */
  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  /** Why it is no sandbox any more; undefined as long as it is one. */
  get gone(): FsbError | undefined {
    return this.#gone;
  }

  /** Somebody reads what its command writes. */
  get isRead(): boolean {
    return this.#readers > 0;
  }

  /** One more reads that, until what is returned is called, which is idempotent. */
  read(): () => void {
    let reads = true;
    this.#readers += 1;
    this.#tell();
    return () => {
      if (!reads) return;
      reads = false;
      this.#readers -= 1;
      this.#tell();
    };
  }

  /** Its record is gone: whoever still waits for a change hears why. */
  leave(why: FsbError): void {
    this.#gone = why;
    this.#tell();
  }

  /** Resolves when the record, as it is now, survives a crash of the core. */
  save(): Promise<void> {
    const { phase } = this.#sandbox.state;
    // How it ended, or that it was deleted, cannot be asked for again; what begins waits until there is room.
    const fromReserve = !isLive(phase) || phase === 'Terminating';
    return this.#table.put(this.key, this.#sandbox, { fromReserve });
  }

  /** Takes one step of the transition table; everyone who waits sees it at once. Resolves as save(). */
  enter(state: PhaseState, time: number, message: string, patch: Partial<Sandbox> = {}): Promise<void> {
    const before = this.#sandbox.state;
    this.#become({ ...patch, state: transition(before, state) }, time, message);
    this.tell(eventOfStep(before, this.#sandbox));
    return this.save();
  }

  /** Something about a state that is passing: it is told, and not worth a record, which may be gone by now. */
  learn(state: PhaseState): void {
    this.#sandbox = { ...this.#sandbox, state };
    this.#tell();
  }

  /** Another change than a step. Resolves as save(); when that fails, nothing has changed. */
  async change(patch: Partial<Sandbox>, time: number, message: string): Promise<void> {
    const before = this.#sandbox;
    this.#become(patch, time, message);
    const changed = this.#sandbox;
    try {
      await this.save();
    } catch (error) {
      // What came after it, a deletion, goes on from it.
      if (this.#sandbox === changed) {
        this.#sandbox = before;
        this.#tell();
        // Who looked meanwhile has seen what never was.
        this.tell({ type: 'step' });
      }
      throw error;
    }
    // Not before: what could not be written has not happened.
    if (before.id !== changed.id) this.#happened(happening(before, { type: 'step' }));
    this.tell(eventOfChange(before, changed));
  }

  /** To those outside who follow what happens. */
  tell(event: SandboxEvent): void {
    this.#happened(happening(this.#sandbox, event));
  }

  #become(patch: Partial<Sandbox>, time: number, message: string): void {
    const { events: earlier } = this.#sandbox;
    // What comes later has no earlier time, whatever clock a node has, or somebody has set back.
    const next = { time: Math.max(time, earlier.at(-1)?.time ?? time), message };
    const events = [...earlier, next].slice(-EVENTS_KEPT);
    this.#sandbox = { ...this.#sandbox, ...patch, events };
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.#sandbox);
  }

  /**
   * The first value that `pick` gives for the sandbox, now or after a change.
   * @throws what `pick` throws, cancelled, why it is gone
   */
  until<T>(pick: (sandbox: Sandbox) => T | undefined, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const done = (): void => {
        this.#listeners.delete(look);
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        done();
        reject(FsbError.from(signal?.reason));
      };
      const look = (sandbox: Sandbox): void => {
        try {
          const value = pick(sandbox);
          if (value === undefined && this.#gone) throw this.#gone;
          if (value === undefined) return;
          done();
          resolve(value);
        } catch (error) {
          done();
          reject(error);
        }
      };
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted);
      this.#listeners.add(look);
      look(this.#sandbox);
    });
  }
}
