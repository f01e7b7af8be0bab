import { abortable } from '../../model/async/abortable.ts';
import { FsbError } from '../../model/failure/errors.ts';

/** Something on its way that several wait for; it is given up when the last of them has gone. */
export class SharedFetch<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#controller.signal);
    this.#result.catch(() => undefined);
  }

  /** Nobody may join any more. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** @throws the signal's reason; what `start` throws */
  async join(signal?: AbortSignal): Promise<T> {
    this.#waiting += 1;
    try {
      return await abortable(this.#result, signal);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0)
        this.#controller.abort(new FsbError('cancelled', 'nobody waits for it any more'));
    }
  }
}
