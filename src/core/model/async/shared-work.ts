import { FsbError } from '../failure/errors.ts';
import { noop } from './noop.ts';

/** Work that any number of callers wait for. It is aborted when the last of them has left. */
export class SharedWork<T> {
  readonly #abort = new AbortController();
  readonly #result: Promise<T>;
  #callers = 0;

  constructor(begin: (signal: AbortSignal) => Promise<T>) {
    this.#result = begin(this.#abort.signal);
    this.#result.catch(noop);
  }

  /** Everybody has left before it was done: it comes to nothing. */
  get isAbandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Resolves when it has ended, however. */
  get ended(): Promise<void> {
    return this.#result.then(noop, noop);
  }

  /**
   * A caller who leaves hears so at once, the last one when the work has come to its end, so that nothing of it goes on.
   * @throws what the work throws, the signal's reason
   */
  join(signal?: AbortSignal): Promise<T> {
    this.#callers += 1;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#callers -= 1;
        const reason = FsbError.from(signal?.reason);
        if (this.#callers > 0) reject(reason);
        else this.#abort.abort(reason);
      };
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave, { once: true });
      this.#result.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave));
    });
  }
}
