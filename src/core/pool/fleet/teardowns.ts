import type { Logger } from 'pino';
import type { PoolEvents } from '../report/pool-events.ts';
import type { Slot } from './shape-record.ts';

export interface TeardownsOptions {
  events: PoolEvents;
  log: Logger;
  /** Nothing of it is left: its room is free. */
  ended(slot: Slot): void;
}

/** Ends instances; their room is held until they are really gone. */
export class Teardowns {
  readonly #options: TeardownsOptions;

  constructor(options: TeardownsOptions) {
    this.#options = options;
  }

  async run(slot: Slot, cause: string): Promise<void> {
    const { events, log, ended } = this.#options;
    const instance = slot.instance!;
    try {
      await instance.destroy(cause);
    } catch (error) {
      // What is left is the janitor's; holding the room for ever would shrink the pool with each such failure.
      log.error({ err: error, instance: instance.id }, 'an instance could not be destroyed');
    }
    events.emit({ type: 'destroyed', instance: instance.id, shape: slot.record.key, cause });
    ended(slot);
  }
}
