import type { Clock } from '../../model/clock.ts';
import type { ErrorBody, FsbError } from '../../model/failure/errors.ts';
import { openBreakerError } from '../claims/claim-errors.ts';
import type { WaitQueue } from '../claims/wait-queue.ts';
import { afterDelay, afterFailure, afterSuccess, attemptsAllowed, closedBreaker } from '../decide/breaker.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';

/** An instance that dies sooner, in milliseconds, was no good from the start. */
const YOUNG = 1000;
const YOUNG_DEATHS: ErrorBody = {
  ...{ code: 'run_failed', message: 'idle instances die right after their boot' },
};

export interface ShapeHealthOptions {
  clock: Clock;
  queue: WaitQueue<Slot>;
  wake: () => void;
}

/** Keeps the two circuit breakers of each shape, and the timers that give an open one its next trial. */
export class ShapeHealth {
  readonly #options: ShapeHealthOptions;

  constructor(options: ShapeHealthOptions) {
    this.#options = options;
  }

  allowance(record: ShapeRecord): { mayBoot: number; mayRefill: number } {
    return { mayBoot: attemptsAllowed(record.boots), mayRefill: attemptsAllowed(record.refills) };
  }

  bootFailed(record: ShapeRecord, cause: FsbError): void {
    record.boots = afterFailure(record.boots, cause.toBody());
    if (record.boots.phase === 'open') {
      record.cancelBootsTimer ??= this.#options.clock.after(record.boots.delay, () => {
        record.cancelBootsTimer = undefined;
        record.boots = afterDelay(record.boots);
        this.#options.wake();
      });
      const error = openBreakerError(record);
      this.#options.queue.fail(error, ({ key }) => key === record.key);
    }
    this.#options.wake();
  }

  bootSucceeded(record: ShapeRecord): void {
    record.boots = afterSuccess();
    record.cancelBootsTimer?.();
    record.cancelBootsTimer = undefined;
  }

  /**
   * Instances that boot and then die at once, over and over, would keep the refill busy for ever. Claims still boot
   * their own: they have a deadline, and somebody may have killed the idle ones on purpose.
   */
  idleDied(slot: Slot): void {
    const { record, readyAt, adopted } = slot;
    const { clock, wake } = this.#options;
    if (adopted || clock.monotonic() - readyAt >= YOUNG) record.refills = afterSuccess();
    else record.refills = afterFailure(record.refills, YOUNG_DEATHS);
    if (record.refills.phase === 'open')
      record.cancelRefillsTimer ??= clock.after(record.refills.delay, () => {
        record.cancelRefillsTimer = undefined;
        record.refills = afterDelay(record.refills);
        wake();
      });
    wake();
  }

  claimed(record: ShapeRecord): void {
    if (record.refills.failures === 0) return;
    record.refills = afterSuccess();
    record.cancelRefillsTimer?.();
    record.cancelRefillsTimer = undefined;
    this.#options.wake();
  }

  /** Both are closed again: whatever was held back may be tried at once. */
  reset(record: ShapeRecord): void {
    record.boots = closedBreaker;
    record.refills = closedBreaker;
    this.stop(record);
    this.#options.wake();
  }

  stop(record: ShapeRecord): void {
    record.cancelBootsTimer?.();
    record.cancelBootsTimer = undefined;
    record.cancelRefillsTimer?.();
    record.cancelRefillsTimer = undefined;
  }
}
