import { EventEmitter, once } from 'node:events';
import type { EventQuery } from '../../../src/core/api/pool-api.ts';
import type { CallOptions } from '../../../src/core/api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../../../src/core/model/errors.ts';
import type { CoreEvent, PoolEvent } from '../../../src/core/model/pool.ts';

/** What happened in the pools: the last `remembered` events, and whoever reads them. */
export class MemoryEvents {
  readonly #remembered: number;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #events: CoreEvent[] = [];
  #seq = 0;

  constructor(remembered = 1000) {
    this.#remembered = remembered;
  }

  /** Readers that are under way. */
  get readers(): number {
    return this.#changes.listenerCount('change');
  }

  append(pool: string, event: PoolEvent): void {
    this.#seq += 1;
    this.#events.push({ seq: this.#seq, time: Date.now() + 0.5, pool, event });
    this.#events = this.#events.slice(-this.#remembered);
    this.#changes.emit('change');
  }

  /** Without `after`: what comes after this call, whenever its first event is asked for. */
  read({ after = this.#seq, pool }: EventQuery, options: CallOptions = {}): AsyncIterable<CoreEvent> {
    return this.#follow(after, pool, options);
  }

  async *#follow(
    after: number,
    pool: string | undefined,
    { signal }: CallOptions,
  ): AsyncGenerator<CoreEvent> {
    let last = after;
    for (;;) {
      throwIfAborted(signal);
      if (last < this.#seq - this.#events.length)
        throw new FsbError('unavailable', `the events after ${last} are no longer remembered`, {
          hint: 'Ask for the new ones only.',
        });
      for (const event of this.#events.filter(({ seq }) => seq > last)) {
        last = event.seq;
        if (pool === undefined || event.pool === pool) yield event;
      }
      if (last >= this.#seq)
        await once(this.#changes, 'change', { signal }).catch(() => throwIfAborted(signal));
    }
  }
}
