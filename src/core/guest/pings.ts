import { afterReading, type Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { GuestConnection } from './connection.ts';
import { ProtocolError } from './protocol/protocol-error.ts';

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** Pings that wait for their answer, each with its own deadline. */
export class Pings {
  readonly #clock: Clock;
  readonly #connection: Pick<GuestConnection, 'send'>;
  /** Only while some wait: every warm instance has one of these, and most of the time it waits for nothing. */
  #waiting: Map<bigint, Waiting> | undefined;
  #lastToken = 0;

  constructor(clock: Clock, connection: Pick<GuestConnection, 'send'>) {
    this.#clock = clock;
    this.#connection = connection;
  }

  /** @throws timeout */
  ping(timeoutMs: number): Promise<void> {
    this.#lastToken += 1;
    const token = BigInt(this.#lastToken);
    return new Promise((resolve, reject) => {
      const stopTimer = afterReading(this.#clock, timeoutMs, () => {
        this.#forget(token);
        reject(new FsbError('timeout', `the guest did not answer within ${timeoutMs} ms`));
      });
      this.#waiting ??= new Map();
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
      this.#connection.send({ type: 'PING', process: 0, token });
    });
  }

  /** An answer that came after its deadline is fine. @throws ProtocolError for one that nobody asked for */
  answered(token: bigint): void {
    if (token < 1n || token > BigInt(this.#lastToken))
      throw new ProtocolError('malformed', 'an answer to no ping');
    this.#waiting?.get(token)?.resolve();
    this.#forget(token);
  }

  fail(error: Error): void {
    for (const waiting of this.#waiting?.values() ?? []) waiting.reject(error);
    this.#waiting = undefined;
  }

  #forget(token: bigint): void {
    this.#waiting?.delete(token);
    if (this.#waiting?.size === 0) this.#waiting = undefined;
  }
}
