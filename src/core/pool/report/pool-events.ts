import type { Logger } from 'pino';
import type { PoolEvent } from '../../model/pool/pool.ts';

type Listener = (event: PoolEvent) => void;

/** Delivers events in order, after the step that caused them: a listener can neither delay nor break a claim. */
export class PoolEvents {
  readonly #log: Logger;
  #listeners: readonly Listener[] = [];
  #pending: { event: PoolEvent; listeners: readonly Listener[] }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** From the next event on. */
  subscribe(listener: Listener): () => void {
    // The same function may listen twice; each subscription ends by itself.
    const own: Listener = (event) => listener(event);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  emit(event: PoolEvent): void {
    if (this.#listeners.length === 0) return;
    if (this.#pending.length === 0) queueMicrotask(() => this.#deliver());
    this.#pending.push({ event, listeners: this.#listeners });
  }

  #deliver(): void {
    const batch = this.#pending;
    this.#pending = [];
    for (const { event, listeners } of batch)
      for (const listener of listeners) if (this.#listeners.includes(listener)) this.#call(listener, event);
  }

  #call(listener: Listener, event: PoolEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error({ err: error, event: event.type }, 'a listener to pool events failed');
    }
  }
}
