import { Turns } from '../model/async/turns.ts';
import { throwIfAborted } from '../model/failure/errors.ts';
import type { LoadedLog } from './load-log.ts';
import type { LogWriter } from './log-store.ts';
import type { SandboxLog } from './sandbox-log.ts';

/** A log that somebody uses: loaded once, forgotten with its last user. */
export interface OpenLog {
  loaded: Promise<LoadedLog>;
  users: number;
  /** Claimed from the moment that writer() is called, so that two calls at once cannot both have it. */
  hasWriter: boolean;
  writer?: LogWriter;
  /** There was none, and now another one's has come there: who waits for one reads that. */
  replaced?: true;
}

/** Which logs of a store somebody uses. */
export class OpenLogs {
  readonly #load: (sandboxId: string) => Promise<LoadedLog>;
  readonly #closed: AbortSignal;
  readonly #open = new Map<string, OpenLog>();
  /** Of logs that were moved, what those have who read on; and under which id each log is now. */
  readonly #moved = new Map<OpenLog, string>();
  readonly #turns = new Turns();

  /** @param closed aborts with an FsbError when the store closes */
  constructor(load: (sandboxId: string) => Promise<LoadedLog>, closed: AbortSignal) {
    this.#load = load;
    this.#closed = closed;
  }

  /** To be released. @throws unavailable when the store is closed; invalid_argument for what is no id */
  use(sandboxId: string): Promise<OpenLog> {
    return this.#turns.take(sandboxId, async () => {
      throwIfAborted(this.#closed);
      const open = this.#open.get(sandboxId) ?? this.#opened(sandboxId);
      open.users += 1;
      return open;
    });
  }

  #opened(sandboxId: string): OpenLog {
    const open = { loaded: this.#load(sandboxId), users: 0, hasWriter: false };
    this.#open.set(sandboxId, open);
    return open;
  }

  release(sandboxId: string, open: OpenLog): void {
    open.users -= 1;
    if (open.users > 0) return;
    this.#moved.delete(open);
    if (this.#open.get(sandboxId) === open) this.#open.delete(sandboxId);
  }

  /** Nobody begins to use these logs, moves or removes them meanwhile. */
  alone<T>(sandboxIds: readonly string[], work: () => Promise<T>): Promise<T> {
    // In one order, or two who are after the same would wait for each other.
    const [first, ...others] = [...new Set(sandboxIds)].sort();
    if (first === undefined) return work();
    return this.#turns.take(first, () => this.alone(others, work));
  }

  /** What those know of a log who use it, also those who came when it was another one's. Who cannot load it knows nothing. */
  async known(sandboxId: string): Promise<SandboxLog[]> {
    const loaded = await Promise.allSettled(this.#allOf(sandboxId).map((open) => open.loaded));
    return loaded.flatMap((each) => (each.status === 'fulfilled' ? each.value.known : []));
  }

  #allOf(sandboxId: string): OpenLog[] {
    const moved = [...this.#moved].flatMap(([open, id]) => (id === sandboxId ? open : []));
    return [...moved, this.#open.get(sandboxId) ?? []].flat();
  }

  /** Who comes next loads it anew. @returns what those have who use it */
  forget(sandboxId: string): OpenLog | undefined {
    const open = this.#open.get(sandboxId);
    this.#open.delete(sandboxId);
    return open;
  }

  /** A log is under another id from now on, where there was none. */
  moved(from: string, to: string): void {
    const awaited = this.forget(to);
    if (awaited !== undefined) awaited.replaced = true;
    for (const open of this.#allOf(from)) if (open.users > 0) this.#moved.set(open, to);
    this.forget(from);
  }

  writers(): LogWriter[] {
    return [...this.#open.values()].flatMap(({ writer }) => writer ?? []);
  }
}
