import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { noop } from '../../model/async/noop.ts';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { Resources } from '../../model/sandbox/shape.ts';
import type { SlotRecord } from '../ledger/records.ts';
import type { HeldInstance } from '../pools/held-instance.ts';
import type { LiveSlot } from './live-slot.ts';
import { Persistence } from './persistence.ts';

export interface LiveChangesParts {
  slot: LiveSlot;
  held: Pick<HeldInstance, 'instance' | 'resize'>;
  clock: Clock;
  log: Logger;
  /** Fires when nothing here is worth waiting for any more. */
  letGo: AbortSignal;
  complain: (error: unknown, what: string) => void;
}

/**
 * What is changed of a sandbox while it runs. Its slot says so first, and what could not be done is taken back there: the
 * next core goes by it.
 */
export class LiveChanges {
  readonly #parts: LiveChangesParts;
  readonly #slot: LiveSlot;
  readonly #turns = new Turns();

  constructor(parts: LiveChangesParts) {
    this.#parts = parts;
    this.#slot = parts.slot;
  }

  /**
   * Freezes everything in it. On record first: a core that is killed meanwhile must not take a frozen guest for a dead one.
   * @throws run_failed; it goes on then
   */
  pause(): Promise<void> {
    return this.#turns.take('pause', async () => {
      await this.#slot.change({ paused: true });
      failpoint('pause.recorded');
      try {
        await this.#parts.held.instance.suspend();
        failpoint('pause.frozen');
      } catch (error) {
        await this.#undone({ paused: undefined });
        throw error;
      }
    });
  }

  /** Lets everything in it go on. @throws run_failed, and what the disk says; it stays frozen then */
  unpause(): Promise<void> {
    const { complain, held } = this.#parts;
    const { instance } = held;
    return this.#turns.take('pause', async () => {
      await instance.wake();
      failpoint('unpause.thawed');
      try {
        await this.#slot.change({ paused: undefined });
      } catch (error) {
        // It is paused by its record, and counts as that.
        await instance.suspend().catch((err) => complain(err, 'cannot freeze a sandbox again'));
        throw error;
      }
    });
  }

  async rename(claimName: string): Promise<void> {
    if (claimName !== this.#slot.now.claimName) await this.#slot.change({ claimName });
  }

  /** New limits. @throws no_capacity (of the pool), run_failed; with the limits as they were */
  async resize(resources: Resources): Promise<void> {
    const { given } = this.#slot.now;
    if (given === undefined)
      throw new FsbError('unsupported', 'the limits of a sandbox of an earlier version cannot be changed', {
        hint: 'Reset it first.',
      });
    const { held } = this.#parts;
    const before = given.resources.memory;
    held.resize(Math.max(before, resources.memory));
    try {
      // On record first: the next core must not use it again for somebody who counts on other limits.
      await this.#slot.change({ given: { ...given, resources }, resized: true });
      failpoint('resize.recorded');
      await held.instance.update(resources);
      failpoint('resize.applied');
      held.resize(resources.memory);
    } catch (error) {
      held.resize(before);
      await this.#undone({ given });
      throw error;
    }
  }

  /** Its limits are no longer those that its shape promises to the next one. */
  get resized(): boolean {
    const { given } = this.#slot.now;
    return (
      given !== undefined && !isDeepStrictEqual(given.resources, this.#parts.held.instance.shape.resources)
    );
  }

  /** It is as it was before a change that failed, and why it did is told; where the record has no room for that, it says so later. */
  async #undone(before: Partial<SlotRecord>): Promise<void> {
    this.#slot.learn(before);
    const save = (): Promise<void> => this.#slot.save();
    const { clock, log, letGo } = this.#parts;
    const writes = { clock, log, what: 'what is known of a sandbox', hurry: letGo, stop: letGo };
    await save().catch(() => void new Persistence(writes).insist(save).catch(noop));
  }
}
