import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type Passing, unpassed } from '../decide/passing.ts';

export interface WaitRequest {
  /** shapeKey() */
  key: string;
  /** Whether a boot may be started for it. */
  boots: boolean;
  /** The place in line: of takeTicket(). One who must wait again keeps the old ticket. */
  ticket: number;
  /** Milliseconds from now. */
  timeout: number;
  signal?: AbortSignal;
  /** Made when the time is up, so that it tells how things stand then. */
  timeoutError: () => FsbError;
}

export interface Waiter extends Passing {
  readonly key: string;
  readonly boots: boolean;
  readonly ticket: number;
}

interface Entry<T> extends Waiter {
  resolve(value: T): void;
  reject(error: FsbError): void;
}

/** Who waits for an instance, first come first. Every waiter has a deadline and can be aborted; none leaves a trace. */
export class WaitQueue<T> {
  readonly #clock: Clock;
  readonly #left: () => void;
  readonly #entries: Entry<T>[] = [];
  /** How many there are of each key that anybody waits for. */
  readonly #counts = new Map<string, number>();
  #nextTicket = 1;

  /** `left` is called when a waiter gave up: what was on its way for it has lost its purpose. */
  constructor(clock: Clock, left: () => void) {
    this.#clock = clock;
    this.#left = left;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** First come first. */
  get waiters(): readonly Waiter[] {
    return this.#entries;
  }

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  takeTicket(): number {
    return this.#nextTicket++;
  }

  /** @throws cancelled, and what `timeoutError` makes, and what fail() is given */
  wait(request: WaitRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { signal } = request;
      const settle = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const entry: Entry<T> = {
        key: request.key,
        boots: request.boots,
        ticket: request.ticket,
        ...unpassed,
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const giveUp = (error: FsbError): void => {
        this.#remove(entry);
        entry.reject(error);
        this.#left();
      };
      const onAbort = (): void => giveUp(FsbError.from(signal?.reason));
      const cancelTimer = this.#clock.after(request.timeout, () => giveUp(request.timeoutError()));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#insert(entry);
    });
  }

  /** Gives the value to the first who waits for this shape. @returns false when nobody does */
  serve(key: string, value: T): boolean {
    const entry = this.#entries.find((candidate) => candidate.key === key);
    if (entry === undefined) return false;
    this.#remove(entry);
    entry.resolve(value);
    return true;
  }

  /** Turns away everyone, or those that are chosen. */
  fail(error: FsbError, chosen: (waiter: Waiter) => boolean = () => true): void {
    const turnedAway = this.#entries.filter(chosen);
    for (const entry of turnedAway) {
      this.#remove(entry);
      entry.reject(error);
    }
  }

  #insert(entry: Entry<T>): void {
    let index = this.#entries.length;
    while (index > 0 && this.#entries[index - 1]!.ticket > entry.ticket) index -= 1;
    this.#entries.splice(index, 0, entry);
    this.#counts.set(entry.key, this.count(entry.key) + 1);
  }

  #remove(entry: Entry<T>): void {
    const index = this.#entries.indexOf(entry);
    if (index < 0) return;
    this.#entries.splice(index, 1);
    const left = this.count(entry.key) - 1;
    if (left === 0) this.#counts.delete(entry.key);
    else this.#counts.set(entry.key, left);
  }
}
