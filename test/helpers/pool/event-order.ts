import type { PoolEvent } from '../../../src/core/model/pool/pool.ts';

type InstanceEvent = Extract<PoolEvent, { instance: string }>;

/** Which event of an instance may follow which. */
const follow: Record<InstanceEvent['type'] | 'nothing', InstanceEvent['type'][]> = {
  nothing: ['created'],
  created: ['idle', 'claimed', 'boot-failed', 'destroyed'],
  'boot-failed': ['destroyed'],
  idle: ['paused', 'claimed', 'evicted', 'destroyed'],
  paused: ['resumed', 'evicted', 'destroyed'],
  resumed: ['claimed', 'paused', 'evicted', 'destroyed'],
  claimed: ['returned', 'destroyed'],
  returned: ['idle', 'claimed', 'destroyed'],
  evicted: ['paused', 'resumed', 'destroyed'],
  destroyed: [],
};

/** Follows the events of a pool, and finds those that cannot be. */
export class EventOrder {
  readonly problems: string[] = [];
  readonly #last = new Map<string, InstanceEvent['type']>();

  note(event: PoolEvent): void {
    if (!('instance' in event) || event.instance === '') return;
    const last = this.#last.get(event.instance) ?? 'nothing';
    if (!follow[last].includes(event.type))
      this.problems.push(`${event.instance}: ${event.type} after ${last}`);
    this.#last.set(event.instance, event.type);
  }

  /** Instances whose end was never told. */
  get alive(): string[] {
    return [...this.#last].filter(([, type]) => type !== 'destroyed').map(([id]) => id);
  }
}
