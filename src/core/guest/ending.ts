type Listener = (reason: Error) => void;

/**
 * The end of something, with its reason: it happens once, and is told to everyone who listens, also to who comes later.
 * A promise would do the same, but every warm instance has two of these, and promises with their reactions would be a
 * third of all that it costs the core.
 */
export class Ending {
  #reason: Error | undefined;
  #listeners: Listener[] | undefined;

  /** The first reason counts. */
  happen(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) queueMicrotask(() => listener(reason));
  }

  /** Never called within the step in which it happens: whoever ends something is done with it first. */
  tell(listener: Listener): void {
    const reason = this.#reason;
    if (reason !== undefined) {
      queueMicrotask(() => listener(reason));
      return;
    }
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  get promise(): Promise<Error> {
    return new Promise((resolve) => this.tell(resolve));
  }
}
