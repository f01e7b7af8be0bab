import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { decodeCount } from '../../wire/stream/query-fields.ts';
import { LinkedCarrier } from './linked-carrier.ts';

const KEY = /^[A-Za-z0-9_-]{22,64}$/;
const PATH = /^\/api\/v1\/streams\/([^/]+)$/;

/**
 * Milliseconds for a client to come back. On a unix socket a connection hardly ever breaks unless the client died; what
 * it ran must not be held back for long then.
 */
const PATIENCE = { unix: 2_000, tcp: 30_000 } as const;

/** The streams whose clients may come back after their connection broke, by the keys that these have chosen. */
export class HeldStreams {
  readonly #clock: Clock;
  readonly #streams = new Map<string, { carrier: LinkedCarrier; owner: string }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws invalid_argument, conflict */
  assertFree(key: string): void {
    if (!KEY.test(key))
      throw new FsbError('invalid_argument', 'query field resume: not 22 to 64 letters, digits, - and _');
    if (this.#streams.has(key))
      throw new FsbError('conflict', 'there is a stream of this key: go on with it, or choose another one');
  }

  /** @param owner the name of its caller: nobody else may go on with it */
  hold(key: string, owner: string, transport: 'unix' | 'tcp'): LinkedCarrier {
    const carrier = new LinkedCarrier(this.#clock, PATIENCE[transport], () => this.#streams.delete(key));
    this.#streams.set(key, { carrier, owner });
    return carrier;
  }

  /** The stream that a path asks to go on with, and how many of its frames came. @throws not_found, invalid_argument */
  toGoOn(
    { pathname, searchParams }: URL,
    caller: string,
  ): { carrier: LinkedCarrier; received: number } | undefined {
    const key = PATH.exec(pathname)?.[1];
    if (key === undefined) return undefined;
    const received = decodeCount(searchParams.get('received') ?? '');
    if (received === undefined)
      throw new FsbError('invalid_argument', 'query field received: how many frames came, a whole number');
    const held = this.#streams.get(key);
    if (held?.owner === caller) return { carrier: held.carrier, received };
    throw new FsbError('not_found', 'the stream is not there any more: it ended, or was given up');
  }

  close(): void {
    for (const { carrier } of [...this.#streams.values()])
      carrier.close(closeCodes.goingAway, 'the core is going away');
  }
}
