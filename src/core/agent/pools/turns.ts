import { throwIfAborted } from '../../model/errors.ts';

/** One change of a thing at a time, in the order of the calls; changes of different things go side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** @throws what the change throws, cancelled when the caller left before its turn */
  take<T>(key: string, change: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(() => {
      throwIfAborted(signal);
      return change();
    });
    const settled = turn.then(noop, noop).then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    this.#last.set(key, settled);
    return turn;
  }
}

const noop = (): void => {};
