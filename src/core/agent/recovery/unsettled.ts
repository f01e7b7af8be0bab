import type { Logger } from 'pino';
import { endsWithin } from '../../model/async/ends-within.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { UnsettledInstance } from '../../model/system.ts';

/** Milliseconds between two attempts: doubled from one to the next. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Milliseconds that close() waits for attempts under way. */
const CLOSE_LIMIT = 5_000;

interface Entry extends UnsettledInstance {
  /** Settles it. @throws why it cannot yet */
  attempt?: () => Promise<void>;
  underWay?: Promise<void>;
  cancel?: () => void;
}

/**
 * Instances of an earlier core of which it is not known yet what becomes of them. They live on; what can be tried again is,
 * until it succeeds, or until somebody gives the sandbox up.
 */
export class Unsettled {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor({ clock, log }: { clock: Clock; log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  list(): UnsettledInstance[] {
    return [...this.#entries.values()].map(({ instance, sandboxId, reason }) => ({
      instance,
      ...(sandboxId !== undefined && { sandboxId }),
      reason,
    }));
  }

  /** Instances of no sandbox with which nothing will be tried: only a record that is set aside may want them. */
  unclaimed(): string[] {
    return [...this.#entries.values()].flatMap(({ instance, sandboxId, attempt }) =>
      sandboxId === undefined && attempt === undefined ? [instance] : [],
    );
  }

  has(instance: string): boolean {
    return this.#entries.has(instance);
  }

  /** Why the sandbox cannot be reached yet; undefined: it is none of these. */
  reasonOf(sandboxId: string): string | undefined {
    return this.#of(sandboxId)?.reason;
  }

  /** @param attempt see above; left out: nothing will be tried */
  add(found: UnsettledInstance, attempt?: () => Promise<void>): void {
    if (this.#closed) return;
    const entry: Entry = { ...found, ...(attempt && { attempt }) };
    this.#entries.set(found.instance, entry);
    this.#schedule(entry, FIRST_PAUSE);
  }

  /** Resolves when `deed` is done with its instance, if it has one here; when that fails, it stays. */
  giveUp(sandboxId: string, deed: (instance: string) => Promise<void>): Promise<void> {
    return this.#end(() => this.#of(sandboxId), deed);
  }

  /** The same with one that is no sandbox's. */
  remove(instance: string, deed: (instance: string) => Promise<void>): Promise<void> {
    return this.#end(() => this.#entries.get(instance), deed);
  }

  async #end(find: () => Entry | undefined, deed: (instance: string) => Promise<void>): Promise<void> {
    await find()?.underWay;
    const entry = find();
    if (entry === undefined) return;
    entry.cancel?.();
    const deeds = deed(entry.instance);
    entry.underWay = deeds.catch(noop);
    try {
      await deeds;
      this.#entries.delete(entry.instance);
    } catch (error) {
      this.#schedule(entry, FIRST_PAUSE);
      throw error;
    }
  }

  #of(sandboxId: string): Entry | undefined {
    return [...this.#entries.values()].find((entry) => entry.sandboxId === sandboxId);
  }

  #schedule(entry: Entry, pause: number): void {
    const { attempt } = entry;
    if (attempt === undefined || this.#closed) return;
    entry.cancel = this.#clock.after(pause, () => {
      entry.underWay = this.#try(entry, attempt, Math.min(2 * pause, LONGEST_PAUSE));
    });
  }

  async #try(entry: Entry, attempt: () => Promise<void>, pause: number): Promise<void> {
    const { instance, sandboxId } = entry;
    try {
      await attempt();
      this.#entries.delete(instance);
      this.#log.info({ instance, sandbox: sandboxId }, 'an instance is settled at last');
    } catch (error) {
      if (this.#closed) return;
      const { message } = FsbError.from(error);
      if (message !== entry.reason)
        this.#log.warn({ err: error, instance, sandbox: sandboxId }, 'an instance cannot be settled yet');
      entry.reason = message;
      this.#schedule(entry, pause);
    }
  }

  /** Idempotent; waits for attempts under way, for five seconds. What is here is left to the next core. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#entries.values()) cancel?.();
    const underWay = Promise.all([...this.#entries.values()].map((entry) => entry.underWay));
    await endsWithin(this.#clock, CLOSE_LIMIT, underWay);
  }
}
