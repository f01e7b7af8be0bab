import type { SlotRecord } from '../ledger/records.ts';

/** The slot of a sandbox that has an instance: what is known of it, and on record. */
export class LiveSlot {
  #slot: SlotRecord;
  readonly #record: (slot: SlotRecord) => Promise<void>;

  constructor(slot: SlotRecord, record: (slot: SlotRecord) => Promise<void>) {
    this.#slot = slot;
    this.#record = record;
  }

  /** A snapshot: it is replaced, never changed. */
  get now(): SlotRecord {
    return this.#slot;
  }

  /** Resolves when it is durable. What could not be written has not changed, but for an end, which is a fact. */
  async change(patch: Partial<SlotRecord>): Promise<void> {
    // Of one that has ended nothing changes any more, and it may be forgotten already.
    if (this.#slot.end !== undefined && patch.end === undefined) return;
    const before = this.#slot;
    this.#slot = { ...before, ...patch };
    try {
      await this.#record(this.#slot);
    } catch (error) {
      // Another change may have come after this one.
      if (patch.end === undefined) this.#slot = { ...this.#slot, ...partsOf(before, patch) };
      throw error;
    }
  }

  /** What is so, whatever the record says: to be saved. */
  learn(patch: Partial<SlotRecord>): void {
    if (this.#slot.end === undefined) this.#slot = { ...this.#slot, ...patch };
  }

  /** Resolves when it is durable as it is; at once where the end has written all of it, or will. */
  async save(): Promise<void> {
    if (this.#slot.end === undefined) await this.#record(this.#slot);
  }
}

/** What was there before a change. */
const partsOf = (before: SlotRecord, patch: Partial<SlotRecord>): Partial<SlotRecord> =>
  Object.fromEntries(Object.keys(patch).map((key) => [key, before[key as keyof SlotRecord]]));
