import type { PoolPolicy } from '../../model/pool/pool.ts';
import type { Slots } from '../fleet/slots.ts';
import type { Slot } from '../shapes/shape-record.ts';
import type { ShapeRecords } from '../shapes/shape-records.ts';

/** Each freezes or thaws a cgroup; more at once would take the processor from claims and boots. */
const PAUSES_AT_ONCE = 4;

export interface IdlePauserOptions {
  policy: () => Pick<PoolPolicy, 'pauseIdle'>;
  slots: Slots;
  records: ShapeRecords;
}

/**
 * Freezes what is idle, after it has become idle; a claim thaws. One that cannot be frozen destroys itself, and the
 * fleet hears of that by event.
 */
export class IdlePauser {
  readonly #options: IdlePauserOptions;
  /** Idle ones whose turn has not come. */
  #queue: Slot[] = [];
  #running = 0;
  #stopped = false;

  constructor(options: IdlePauserOptions) {
    this.#options = options;
  }

  becameIdle(slot: Slot): void {
    if (!this.#options.policy().pauseIdle) return;
    this.#queue.push(slot);
    this.#pump();
  }

  /** The policy changed. */
  review(): void {
    this.#queue = this.#options.records.all().flatMap(({ idle }) => idle);
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    this.#queue = [];
  }

  #pump(): void {
    while (this.#running < PAUSES_AT_ONCE && !this.#stopped) {
      const slot = this.#queue.shift();
      if (slot === undefined) return;
      if (slot.state !== 'idle' || slot.pausing) continue;
      const state = slot.instance!.state;
      if (state !== (this.#options.policy().pauseIdle ? 'idle' : 'paused')) continue;
      this.#running += 1;
      slot.pausing = true;
      void this.#switch(slot, state).finally(() => {
        slot.pausing = false;
        this.#running -= 1;
        // The policy may have changed meanwhile; one that is as it should be is passed over.
        if (!this.#stopped) this.#queue.push(slot);
        this.#pump();
      });
    }
  }

  /** Never throws: a failure is the instance's end, and `failed` tells why. */
  async #switch(slot: Slot, from: 'idle' | 'paused'): Promise<void> {
    const instance = slot.instance!;
    const call = from === 'idle' ? instance.pause() : instance.resume();
    const done = await call.then(
      () => true,
      () => false,
    );
    // Of one that has been evicted meanwhile the end is all that there is to tell.
    if (!done || slot.gone !== undefined) return;
    slot.paused = from === 'idle';
    this.#options.slots.emit(slot.paused ? 'paused' : 'resumed', slot);
  }
}
