import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import { LazyMap } from './lazy-map.ts';
import { ProtocolError } from './protocol/protocol-error.ts';

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** Pings that wait for their answer, each with its own deadline. */
export class Pings {
  readonly #clock: Clock;
  readonly #send: (token: bigint) => void;
  readonly #waiting = new LazyMap<bigint, Waiting>();
  #lastToken = 0n;

  constructor(clock: Clock, send: (token: bigint) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** @throws timeout */
  ping(timeoutMs: number): Promise<void> {
    this.#lastToken += 1n;
    const token = this.#lastToken;
    return new Promise((resolve, reject) => {
      const stopTimer = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(token);
        reject(new FsbError('timeout', `the guest did not answer within ${timeoutMs} ms`));
      });
      this.#waiting.set(token, {
        resolve: () => {
          stopTimer();
          resolve();
        },
        reject: (error) => {
          stopTimer();
          reject(error);
        },
      });
      this.#send(token);
    });
  }

  /** An answer that came after its deadline is fine. @throws ProtocolError for one that nobody asked for */
  answered(token: bigint): void {
    if (token < 1n || token > this.#lastToken) throw new ProtocolError('malformed', 'an answer to no ping');
    this.#waiting.get(token)?.resolve();
    this.#waiting.delete(token);
  }

  fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
