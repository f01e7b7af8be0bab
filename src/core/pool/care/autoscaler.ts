import type { Clock } from '../../model/clock.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import { scaledMin } from '../decide/autoscale.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import { DemandWindow } from '../shapes/demand-window.ts';
import type { ShapeRecord } from '../shapes/shape-record.ts';
import type { ShapeRecords } from '../shapes/shape-records.ts';

/** How often, in parts of the window, the demand is looked at while no claim comes. */
const LOOKS_IN_WINDOW = 10;

export interface AutoscalerOptions {
  policy: () => PoolPolicy;
  records: ShapeRecords;
  events: PoolEvents;
  /** Asks to be called at this moment: monotonic milliseconds. */
  watch: (due: number) => void;
  clock: Clock;
}

/** Keeps `min` where the demand of the latest while wants it; without autoscaling it is what the policy says. */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  #min: number;
  #changedAt = Number.NEGATIVE_INFINITY;
  #pressure: { value: number; at: number } | undefined;

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#min = options.policy().capacity.min;
  }

  get min(): number {
    return this.#min;
  }

  /** A claim found an idle instance, or did not. */
  note(record: ShapeRecord, hit: boolean): void {
    const { policy, clock } = this.#options;
    const { enabled, window } = policy().autoscale;
    if (!enabled) return;
    if (record.demand?.window !== window) record.demand = new DemandWindow(window);
    record.demand.note(clock.monotonic(), hit);
  }

  /** From outside, 0..1. */
  press(value: number): void {
    this.#pressure = { value: Math.min(1, Math.max(0, value)), at: this.#options.clock.monotonic() };
  }

  /** The policy changed: what was learned counts within the new limits. */
  review(): void {
    const { policy, records } = this.#options;
    const { capacity, autoscale } = policy();
    this.#min = autoscale.enabled ? Math.min(capacity.max, Math.max(capacity.min, this.#min)) : capacity.min;
    if (!autoscale.enabled) for (const record of records.all()) record.demand = undefined;
  }

  /** Decides anew. */
  tick(now: number): void {
    const { policy, records, events, watch } = this.#options;
    const { autoscale, capacity } = policy();
    if (!autoscale.enabled) return;
    let hits = 0;
    let misses = 0;
    for (const { demand } of records.all()) {
      const counts = demand?.count(now);
      hits += counts?.hits ?? 0;
      misses += counts?.misses ?? 0;
    }
    const min = scaledMin({
      ...{ policy: autoscale, hits, misses, min: this.#min, lowest: capacity.min, highest: capacity.max },
      sinceChange: now - this.#changedAt,
      pressure: this.#pressure && { value: this.#pressure.value, age: now - this.#pressure.at },
    });
    if (hits + misses > 0) watch(now + autoscale.window / LOOKS_IN_WINDOW);
    if (min === this.#min) return;
    this.#min = min;
    this.#changedAt = now;
    events.emit({ type: 'scaled', min });
  }
}
