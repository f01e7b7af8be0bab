import { FsbError } from '../../model/failure/errors.ts';
import type { RecordTable } from '../../store/store.ts';
import type { InstanceRecord, InstanceUse } from './records.ts';

/** Who has which instance, on disk. Every promise resolves when what it says would survive a crash. */
export class Ledger {
  readonly #table: RecordTable<InstanceRecord>;

  constructor(table: RecordTable<InstanceRecord>) {
    this.#table = table;
  }

  get(id: string): InstanceRecord | undefined {
    return this.#table.get(id);
  }

  ids(): string[] {
    return [...this.#table.entries()].map(([id]) => id);
  }

  /** To be called before it is booted. One that is an earlier instance again keeps its record until it has a holder. */
  add(id: string, record: InstanceRecord): Promise<void> {
    const use = record.shape.again === undefined ? undefined : this.#table.get(id)?.use;
    return this.#table.put(id, { ...record, ...(use && { use }) });
  }

  /** @throws run_failed when the instance is gone */
  async used(id: string, use: InstanceUse): Promise<void> {
    const record = this.#table.get(id);
    if (record === undefined) throw new FsbError('run_failed', `instance ${id} is gone`);
    // The files of one that has ended: what they were written in is gone, and no start will come after it.
    await this.#table.put(id, { ...record, use }, { fromReserve: use.by === 'files' });
  }

  /** Nobody has it, and nothing of its last holder is left in it. */
  async unused(id: string): Promise<void> {
    const record = this.#table.get(id);
    if (record === undefined) return;
    const { shape, pool } = record;
    await this.#table.put(id, { shape, pool });
  }

  /** To be called after it was destroyed. */
  async remove(id: string): Promise<void> {
    await this.#table.remove(id);
  }
}
