import { withDeadline } from '../../instance/deadline.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import type { PoolPolicy } from '../../model/pool.ts';
import { formatDuration, formatSize } from '../../model/quantity.ts';
import type { Budget } from '../fleet/budget.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ShapeRecord, Slot } from '../fleet/shape-record.ts';
import type { Claim, ClaimRequest } from '../pool.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import type { WaitQueue } from './wait-queue.ts';

/** One claim boots at most so many instances that turn out dead before it gives up. */
const FRESH_TRIES = 3;

export interface ClaimsOptions {
  policy: PoolPolicy;
  budget: Budget;
  fleet: Fleet;
  queue: WaitQueue<Slot>;
  events: PoolEvents;
  clock: Clock;
  /** Wakes the sizing; it decides after the current step, still in the same tick. */
  wake: () => void;
  closed: () => boolean;
}

/** Serves one claim after the other: take or wait, check, hand over. */
export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async claim(request: ClaimRequest, record: ShapeRecord): Promise<Claim> {
    const { clock, fleet, queue } = this.#options;
    throwIfAborted(request.signal);
    const began = clock.monotonic();
    record.lastUse = began;
    let ticket: number | undefined;
    let freshTries = 0;
    for (;;) {
      // Taken before the first await: no other caller can have it.
      let slot = fleet.take(record);
      if (slot === undefined) {
        if (ticket === undefined) {
          record.misses += 1;
          this.#refuseIfFull();
          ticket = queue.takeTicket();
        }
        slot = await this.#wait(request, record, ticket, began);
        freshTries += 1;
      }
      const checking = this.#check(slot);
      this.#options.wake();
      const problem = (await checking) ?? this.#gone(request);
      if (problem === undefined) return this.#handOver(slot, ticket === undefined, began);
      void fleet.discard(slot, problem.message);
      this.#refuseIfGone(request);
      if (freshTries >= FRESH_TRIES) throw bootError(record, problem);
    }
  }

  /** @returns why the instance cannot be used, if so */
  async #check(slot: Slot): Promise<FsbError | undefined> {
    const instance = slot.instance!;
    try {
      const { policy, clock } = this.#options;
      // Both at once, so that the question is on its way before anything else of this tick runs.
      const answered = Promise.all([instance.claim(), instance.channel.ping(policy.healthTimeout)]);
      // A thaw that hangs would hold the caller for much longer than an answer that does not come.
      await withDeadline(clock, policy.healthTimeout, `the health check of ${instance.id}`, answered);
      return undefined;
    } catch (error) {
      return FsbError.from(error);
    }
  }

  #handOver(slot: Slot, hit: boolean, began: number): Claim {
    const { clock, events, fleet } = this.#options;
    const { record } = slot;
    const instance = slot.instance!;
    fleet.claimEnded(slot);
    if (hit) record.hits += 1;
    record.times.record(clock.monotonic() - began);
    events.emit({ type: 'claimed', instance: instance.id, shape: record.key });
    return { instance, hit };
  }

  /** The caller or the pool went away while the instance was being checked. */
  #gone({ signal }: ClaimRequest): FsbError | undefined {
    if (this.#options.closed()) return closedError(this.#options.policy.name);
    return signal?.aborted ? FsbError.from(signal.reason) : undefined;
  }

  #refuseIfGone(request: ClaimRequest): void {
    const reason = this.#gone(request);
    if (reason !== undefined) throw reason;
  }

  /** The bound is on claims that have no instance yet, whether one is booting for them or not. */
  #refuseIfFull(): void {
    const { policy, queue } = this.#options;
    if (queue.length < policy.queue.length) return;
    throw new FsbError('no_capacity', `the queue of pool ${policy.name} is full: ${queue.length} wait`, {
      hint: 'Try again later, or raise queue.length of the pool.',
    });
  }

  async #wait(request: ClaimRequest, record: ShapeRecord, ticket: number, began: number): Promise<Slot> {
    const { policy, queue, clock, wake } = this.#options;
    const onEmpty = request.onEmpty ?? policy.onEmpty;
    const refusal = this.#refusal(record, onEmpty);
    if (refusal !== undefined) throw refusal;
    const timeout = request.timeout ?? policy.queue.timeout;
    wake();
    return queue.wait({
      key: record.key,
      boots: onEmpty === 'boot',
      ticket,
      timeout: Math.max(0, timeout - (clock.monotonic() - began)),
      signal: request.signal,
      timeoutError: () => this.#timeoutError(record, timeout),
    });
  }

  /** Why there is no use in waiting, if so. */
  #refusal(record: ShapeRecord, onEmpty: PoolPolicy['onEmpty']): FsbError | undefined {
    const { policy, budget } = this.#options;
    const of = `an instance of ${record.image}`;
    if (!budget.everFits(record.memory))
      return new FsbError(
        'no_capacity',
        `${of} takes ${formatSize(record.memory)}, but pool ${policy.name} has ${formatSize(policy.memoryBudget)} in all`,
        { hint: 'Ask for less memory, or raise memory_budget of the pool.' },
      );
    if (record.boots.phase === 'open') return openBreakerError(record);
    if (onEmpty === 'fail')
      return new FsbError('no_capacity', `pool ${policy.name} has no idle instance of ${record.image}`, {
        hint: 'Use on_empty boot or wait to wait for one.',
      });
    if (onEmpty === 'wait' && record.warm === 0 && policy.capacity.bufferMin === 0)
      return new FsbError('no_capacity', `pool ${policy.name} keeps no instance of ${record.image} warm`, {
        hint: 'Use on_empty boot, or add the image to the warm entries of the pool.',
      });
    return undefined;
  }

  #timeoutError(record: ShapeRecord, timeout: number): FsbError {
    const { policy, budget } = this.#options;
    const { used } = budget;
    const state = `${used.count} of at most ${policy.capacity.max} instances live, ${formatSize(used.memory)} of ${formatSize(policy.memoryBudget)} memory`;
    const last = record.boots.reason === '' ? '' : `; the last boot failed: ${record.boots.reason}`;
    return new FsbError(
      'no_capacity',
      `no instance of ${record.image} came within ${formatDuration(timeout)}: pool ${policy.name} has ${state}${last}`,
      { hint: 'Delete a sandbox, wait longer, or raise the capacity of the pool.' },
    );
  }
}

export const closedError = (pool: string): FsbError =>
  new FsbError('unavailable', `pool ${pool} is closed`, { hint: 'The core is going away; try again.' });

/** The true reason of a boot, as the caller of a claim is told it. */
function bootError(record: ShapeRecord, cause: FsbError): FsbError {
  const { hint } = cause;
  return new FsbError('run_failed', `cannot boot ${record.image}: ${cause.message}`, { hint, cause });
}

export function openBreakerError(record: ShapeRecord): FsbError {
  const { failures, delay, reason } = record.boots;
  return new FsbError(
    'run_failed',
    `cannot boot ${record.image}: ${reason} (${failures} failures in a row)`,
    { hint: `It is tried again every ${formatDuration(delay)}; fsb-ctl doctor shows what is missing.` },
  );
}
