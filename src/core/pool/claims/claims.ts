import { withDeadline } from '../../instance/deadline.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { ClaimResult, OnEmpty, PoolMeter, PoolPolicy } from '../../model/pool/pool.ts';
import type { Budget } from '../budget.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { unfit } from '../fleet/unfit.ts';
import type { Claim, ClaimRequest } from '../pool.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';
import {
  bootError,
  neverFitsError,
  nothingIdleError,
  notKeptError,
  openBreakerError,
  queueFullError,
  timeoutError,
} from './claim-errors.ts';
import type { WaitQueue } from './wait-queue.ts';

/** One claim boots at most so many instances that turn out dead before it gives up. */
const FRESH_TRIES = 3;

export interface ClaimsOptions {
  policy: () => PoolPolicy;
  budget: Budget;
  fleet: Fleet;
  queue: WaitQueue<Slot>;
  meter: PoolMeter;
  clock: Clock;
  /** Wakes the sizing; it decides after the current step, still in the same tick. */
  wake: () => void;
  /** Why no claim is served any more, if so. */
  refusal: () => FsbError | undefined;
  /** Whether the pool keeps instances of this shape idle. */
  keeps: (record: ShapeRecord) => boolean;
  /** It found nothing idle: told at once, however it ends. */
  missed: (record: ShapeRecord) => void;
  claimed: (record: ShapeRecord, hit: boolean) => void;
}

/** One claim on its way. */
interface Attempt {
  readonly request: ClaimRequest;
  readonly record: ShapeRecord;
  /** Monotonic milliseconds. */
  readonly began: number;
  /** Its place in line; undefined while it has not missed. */
  ticket?: number;
  /** Milliseconds spent in line; undefined while it never stood there. */
  waited?: number;
  timedOut: boolean;
  /** It was turned away before anything was tried for it. */
  refused: boolean;
}

/** Serves one claim after the other: take or wait, check, hand over. */
export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** `recordOf` is asked only for what the pool can serve: it must not learn the shapes of claims that never can be. */
  async claim(request: ClaimRequest, recordOf: () => ShapeRecord): Promise<Claim> {
    const { policy, budget, clock, meter, refusal, claimed } = this.#options;
    const began = clock.monotonic();
    const { image, shape } = request;
    const refused = refusal() ?? neverFitsError(policy(), budget, { image, memory: shape.resources.memory });
    if (refused !== undefined) {
      meter.claim('rejected', 0);
      throw refused;
    }
    const record = recordOf();
    const attempt: Attempt = { request, record, began, timedOut: false, refused: false };
    try {
      const claim = await this.#serve(attempt);
      const took = clock.monotonic() - began;
      record.times.record(took);
      if (claim.hit) record.hits += 1;
      claimed(record, claim.hit);
      meter.claim(claim.hit ? 'hit' : 'miss', took);
      return claim;
    } catch (error) {
      meter.claim(resultOf(attempt, FsbError.from(error)), clock.monotonic() - began);
      throw error;
    } finally {
      if (attempt.waited !== undefined) meter.waited(attempt.waited);
    }
  }

  async #serve(attempt: Attempt): Promise<Claim> {
    const { fleet, queue, wake, missed } = this.#options;
    const { request, record } = attempt;
    throwIfAborted(request.signal);
    record.lastUse = attempt.began;
    let freshTries = 0;
    for (;;) {
      // Taken before the first await: no other caller can have it.
      let slot = fleet.take(record);
      if (slot === undefined) {
        if (attempt.ticket === undefined) {
          record.misses += 1;
          missed(record);
          this.#refuseIfFull();
          attempt.ticket = queue.takeTicket();
        }
        slot = await this.#wait(attempt, attempt.ticket);
        freshTries += 1;
      }
      const checking = this.#check(slot);
      wake();
      const problem = (await checking) ?? this.#gone(request) ?? this.#unfit(slot);
      if (problem === undefined) return fleet.handOver(slot, attempt.ticket === undefined);
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
      const { timeout } = policy().health;
      // Both at once, so that the question is on its way before anything else of this tick runs.
      const answered = Promise.all([instance.claim(), instance.channel.ping(timeout)]);
      // A thaw that hangs would hold the caller for much longer than an answer that does not come.
      await withDeadline(clock, timeout, `the health check of ${instance.id}`, answered);
      return undefined;
    } catch (error) {
      return FsbError.from(error);
    }
  }

  /** The caller or the pool went away while the instance was being checked. */
  #gone({ signal }: ClaimRequest): FsbError | undefined {
    const refusal = this.#options.refusal();
    if (refusal !== undefined) return refusal;
    return signal?.aborted ? FsbError.from(signal.reason) : undefined;
  }

  /** The policy may have changed during the check. */
  #unfit(slot: Slot): FsbError | undefined {
    const reason = unfit(slot, this.#options.policy());
    return reason === undefined ? undefined : new FsbError('conflict', reason);
  }

  #refuseIfGone(request: ClaimRequest): void {
    const reason = this.#gone(request);
    if (reason !== undefined) throw reason;
  }

  /** The bound is on claims that have no instance yet, whether one is booting for them or not. */
  #refuseIfFull(): void {
    const { policy, queue } = this.#options;
    const { name, queue: bound } = policy();
    if (queue.length >= bound.length) throw queueFullError(name, queue.length);
  }

  async #wait(attempt: Attempt, ticket: number): Promise<Slot> {
    const { policy, queue, budget, clock, wake } = this.#options;
    const { request, record, began } = attempt;
    const onEmpty = request.onEmpty ?? policy().onEmpty;
    const refusal = this.#useless(record, onEmpty);
    if (refusal !== undefined) {
      attempt.refused = attempt.waited === undefined;
      throw refusal;
    }
    const timeout = request.timeout ?? policy().queue.timeout;
    wake();
    const since = clock.monotonic();
    try {
      return await queue.wait({
        key: record.key,
        boots: onEmpty === 'boot',
        ticket,
        timeout: Math.max(0, timeout - (since - began)),
        signal: request.signal,
        timeoutError: () => {
          attempt.timedOut = true;
          return timeoutError(policy(), budget.used, record, timeout);
        },
      });
    } finally {
      attempt.waited = (attempt.waited ?? 0) + clock.monotonic() - since;
    }
  }

  /** Why there is no use in waiting, if so. */
  #useless(record: ShapeRecord, onEmpty: OnEmpty): FsbError | undefined {
    const { policy, budget, keeps } = this.#options;
    const never = neverFitsError(policy(), budget, record);
    if (never !== undefined) return never;
    if (record.boots.phase === 'open') return openBreakerError(record);
    if (onEmpty === 'fail') return nothingIdleError(policy().name, record);
    if (onEmpty === 'wait' && !keeps(record)) return notKeptError(policy(), record);
    return undefined;
  }
}

function resultOf(attempt: Attempt, { code }: FsbError): ClaimResult {
  if (attempt.timedOut) return 'timeout';
  if (attempt.refused) return 'rejected';
  // Refused by what the pool is or has, as against what went wrong on the way.
  return code === 'no_capacity' || code === 'unavailable' || code === 'conflict' ? 'rejected' : 'failed';
}
