import type { Logger } from 'pino';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import type { RecordTable } from '../../store/store.ts';
import type { SlotEnd, SlotRecord } from '../ledger/records.ts';
import { Persistence } from './persistence.ts';

interface LossesOptions {
  slots: RecordTable<SlotRecord>;
  clock: Clock;
  log: Logger;
}

/**
 * Ends that nobody saw, or that nobody waited for to be recorded. They hold at once; without room for the record it is written later, and where this core does not
 * live to do that, the next one finds out anew.
 */
export class Losses {
  readonly #slots: RecordTable<SlotRecord>;
  readonly #unwritten = new Map<string, SlotEnd>();
  readonly #closing = new AbortController();
  readonly #writes: Persistence;

  constructor({ slots, clock, log }: LossesOptions) {
    this.#slots = slots;
    const { signal } = this.#closing;
    this.#writes = new Persistence({
      ...{ clock, log, what: 'that sandboxes are lost' },
      ...{ hurry: signal, stop: signal },
    });
  }

  /** What the node knows about a sandbox, also where its record does not say yet that it is lost. */
  slot(sandboxId: string): SlotRecord | undefined {
    const slot = this.#slots.get(sandboxId);
    return slot && this.#known(sandboxId, slot);
  }

  /** The same of all of them. */
  *entries(): Iterable<[sandboxId: string, slot: SlotRecord]> {
    for (const [sandboxId, slot] of this.#slots.entries()) yield [sandboxId, this.#known(sandboxId, slot)];
  }

  /** Resolves when it is on record, or could not be written at the first try. */
  async note(sandboxId: string, end: SlotEnd): Promise<void> {
    this.#unwritten.set(sandboxId, end);
    const write = (): Promise<void> => this.#write(sandboxId, end);
    await write().catch(() => void this.#writes.insist(write).catch(noop));
  }

  /** What is not written is left to the next core. */
  close(): void {
    this.#closing.abort();
  }

  async #write(sandboxId: string, end: SlotEnd): Promise<void> {
    const slot = this.#slots.get(sandboxId);
    // It may have been forgotten since.
    if (slot !== undefined) await this.#slots.put(sandboxId, { ...slot, end }, { fromReserve: true });
    this.#unwritten.delete(sandboxId);
  }

  #known(sandboxId: string, slot: SlotRecord): SlotRecord {
    const end = slot.end ?? this.#unwritten.get(sandboxId);
    return end === undefined ? slot : { ...slot, end };
  }
}
