import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { decodeCount } from '../../wire/stream/query-fields.ts';
import { LinkedCarrier } from './linked-carrier.ts';
import type { StreamShare } from './stream-room.ts';

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
  readonly #mostAway: number;
  readonly #streams = new Map<string, { carrier: LinkedCarrier; owner: string }>();
  /** Those that have no connection and who owns them, from the one that lost it first on. */
  readonly #away = new Map<LinkedCarrier, string>();

  /** @param mostAway how many may be without a connection; of more, the first of who has most of them is given up */
  constructor(clock: Clock, mostAway: number) {
    this.#clock = clock;
    this.#mostAway = mostAway;
  }

  /** @throws invalid_argument, conflict */
  assertFree(key: string): void {
    if (!KEY.test(key))
      throw new FsbError('invalid_argument', 'query field resume: not 22 to 64 letters, digits, - and _');
    if (this.#streams.has(key))
      throw new FsbError('conflict', 'there is a stream of this key: go on with it, or choose another one');
  }

  /** @param owner the name of its caller: nobody else may go on with it */
  hold(key: string, owner: string, transport: 'unix' | 'tcp', share: StreamShare): LinkedCarrier {
    const carrier = new LinkedCarrier(share, this.#clock, PATIENCE[transport], {
      onAway: () => this.#wait(carrier, owner),
      onBack: () => this.#away.delete(carrier),
      onOver: () => {
        this.#away.delete(carrier);
        this.#streams.delete(key);
      },
    });
    this.#streams.set(key, { carrier, owner });
    return carrier;
  }

  /** A client that opens and cuts one after the other would leave no room for those that are there. */
  #wait(carrier: LinkedCarrier, owner: string): void {
    this.#away.set(carrier, owner);
    if (this.#away.size <= this.#mostAway) return;
    const most = mostFrequent(this.#away.values());
    const [first] = [...this.#away].find(([, one]) => one === most)!;
    first.close(closeCodes.goingAway, 'too many wait for their client');
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

function mostFrequent(names: Iterable<string>): string {
  const times = new Map<string, number>();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  const [[most]] = [...times].sort(([, one], [, other]) => other - one) as [[string, number]];
  return most;
}
