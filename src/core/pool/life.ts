import type { Logger } from 'pino';
import { Latch } from '../model/async/latch.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { PoolState } from '../model/pool/pool.ts';
import { clearIdle } from './care/clear.ts';
import { closedError, drainedError } from './claims/claim-errors.ts';
import type { WaitQueue } from './claims/wait-queue.ts';
import type { Arrivals } from './fleet/arrivals.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Slots } from './fleet/slots.ts';
import type { PoolEvents } from './report/pool-events.ts';
import type { Slot } from './shapes/shape-record.ts';
import type { ShapeRecords } from './shapes/shape-records.ts';

/** Milliseconds that close() waits for boots, checks and teardowns. */
const CLOSE_LIMIT = 15_000;
/** Milliseconds of it in which an instance that could not be destroyed is tried again: a broken disk stays broken. */
const RETRY_LIMIT = 5_000;

export interface LifeOptions {
  name: string;
  slots: Slots;
  fleet: Fleet;
  arrivals: Arrivals;
  records: ShapeRecords;
  queue: WaitQueue<Slot>;
  events: PoolEvents;
  /** Ends every timer of the pool's own, and the sizing. */
  silence: () => void;
  clock: Clock;
  log: Logger;
}

interface Drain {
  readonly over: Latch;
  /** Why it is over before the pool was empty. */
  failure?: FsbError;
}

/** Whether the pool keeps instances and takes claims: active, stopped, drained, and in the end closed. */
export class Life {
  readonly #options: LifeOptions;
  #state: PoolState = 'active';
  #drain: Drain | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  get state(): PoolState {
    return this.#state;
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Why no claim is served, if so. */
  refusal(): FsbError | undefined {
    const { name } = this.#options;
    if (this.closing) return closedError(name);
    return this.#state === 'drained' ? drainedError(name) : undefined;
  }

  /** Resolves when what is idle now, and what boots for nobody, is gone; new ones do not come. */
  async stop(): Promise<void> {
    if (this.#state === 'active') this.#state = 'stopped';
    this.#forgetUse();
    await clearIdle(this.#options, this.#options.records.all(), 'the pool is stopped');
  }

  /**
   * @param signal for who may leave before: the pool is drained all the same, and nothing of the call is kept
   * @throws conflict when the pool is started again before the last instance is gone, unavailable when it is closed
   */
  drain(signal?: AbortSignal): Promise<void> {
    const { name, records, arrivals, queue } = this.#options;
    if (this.closing) return Promise.reject(closedError(name));
    this.#state = 'drained';
    this.#forgetUse();
    const cause = 'the pool is drained';
    queue.fail(drainedError(name));
    for (const record of records.all()) arrivals.abortBoots(record, cause);
    void clearIdle(this.#options, records.all(), cause);
    this.#drain ??= this.#beginDrain();
    const ended = endOf(this.#drain, signal);
    // Whoever started the pool again, or closed it, need not have waited for the drain.
    ended.catch(() => undefined);
    return ended;
  }

  start(): void {
    if (this.closing) return;
    this.#state = 'active';
    const { name } = this.#options;
    this.#endDrain(new FsbError('conflict', `pool ${name} was started again before it was drained`));
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= Promise.resolve().then(() => this.#close());
    return this.#closing;
  }

  /** What was in use before does not come back with the next start: only what is to be warm does. */
  #forgetUse(): void {
    for (const record of this.#options.records.all()) {
      record.lastUse = Number.NEGATIVE_INFINITY;
      record.demand = undefined;
    }
  }

  #beginDrain(): Drain {
    const { slots, events } = this.#options;
    const drain: Drain = { over: new Latch() };
    void slots.census.empty().then(() => {
      if (this.#drain === drain) events.emit({ type: 'drained' });
      drain.over.open();
    });
    return drain;
  }

  /** Nothing happens to a drain that has ended by itself. */
  #endDrain(error: FsbError): void {
    const drain = this.#drain;
    this.#drain = undefined;
    if (drain === undefined || drain.over.isOpen) return;
    drain.failure = error;
    drain.over.open();
  }

  async #close(): Promise<void> {
    const { name, records, slots, fleet, arrivals, queue, events, silence, clock, log } = this.#options;
    silence();
    queue.fail(closedError(name));
    const cause = 'the pool is closing';
    for (const record of records.all()) arrivals.abortBoots(record, cause);
    const idle = records.all().flatMap((record) => [...record.idle]);
    for (const slot of idle) void fleet.discard(slot, cause);
    const settled = slots.census.quiet().then(() => true);
    const late = new Promise<boolean>((resolve) => {
      const timers = [
        clock.after(RETRY_LIMIT, () => fleet.close()),
        clock.after(CLOSE_LIMIT, () => resolve(false)),
      ];
      void settled.then(() => {
        for (const cancel of timers) cancel();
      });
    });
    const ended = await Promise.race([settled, late]);
    fleet.close();
    if (!ended) log.error({ left: slots.census.size }, 'the pool closed before all its instances were gone');
    else if (slots.census.size === 0 && this.#drain === undefined) events.emit({ type: 'drained' });
    this.#endDrain(closedError(name));
  }
}

async function endOf(drain: Drain, signal?: AbortSignal): Promise<void> {
  await drain.over.wait(signal);
  if (drain.failure) throw drain.failure;
}
