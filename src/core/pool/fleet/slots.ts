import type { Clock } from '../../model/clock.ts';
import type { Budget } from '../budget.ts';
import { LARGEST_JITTER } from '../decide/ageing.ts';
import type { PoolEvents } from '../report/pool-events.ts';
import { type ShapeRecord, Slot } from '../shapes/shape-record.ts';
import type { SlotState } from '../shapes/slot-state.ts';
import { Census } from './census.ts';

export interface SlotsOptions {
  budget: Budget;
  events: PoolEvents;
  /** 0 to 1, anew at each call. */
  random: () => number;
  clock: Clock;
}

/** Every slot of the pool. Its room in the budget is taken and given back here, in the step in which it comes and goes. */
export class Slots {
  readonly census = new Census();
  readonly #options: SlotsOptions;
  readonly #byInstance = new Map<string, Slot>();

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  find(instanceId: string): Slot | undefined {
    return this.#byInstance.get(instanceId);
  }

  /** Those that have an instance, oldest first; one that is being warmed up is still `booting`. */
  withInstance(): Slot[] {
    return [...this.#byInstance.values()];
  }

  /** Ids of those whose instance could not be destroyed yet. */
  stuck(): string[] {
    return [...this.#byInstance].filter(([, slot]) => slot.stuck).map(([id]) => id);
  }

  /** For a boot. @throws internal when there is no room: the sizing plans within it */
  open(record: ShapeRecord): Slot {
    this.#options.budget.reserve(record.memory);
    return this.#new(record, 'booting');
  }

  /** For an instance that is there whether there is room for it or not. */
  openAnyway(record: ShapeRecord): Slot {
    this.#options.budget.add(record.memory);
    return this.#new(record, 'claiming');
  }

  /** The slot has its instance now. */
  identify(slot: Slot): void {
    this.#byInstance.set(slot.instance!.id, slot);
  }

  /** It takes so many bytes from now on. @returns whether there is room for that; else nothing has changed */
  resize(slot: Slot, memory: number, anyway: boolean): boolean {
    const { budget } = this.#options;
    const more = memory - slot.memory;
    if (more > budget.free.memory && more > 0 && !anyway) return false;
    budget.grow(more);
    slot.memory = memory;
    return true;
  }

  close(slot: Slot): void {
    if (slot.instance !== undefined) this.#byInstance.delete(slot.instance.id);
    this.#options.budget.release(slot.memory);
    this.move(slot, 'out');
  }

  move(slot: Slot, to: SlotState): void {
    const from = slot.state;
    slot.record.move(slot, to, this.#options.clock.monotonic());
    this.census.moved(from, to);
  }

  emit(type: 'created' | 'idle' | 'claimed' | 'paused' | 'resumed' | 'returned', slot: Slot): void {
    this.#options.events.emit({ type, instance: slot.instance!.id, shape: slot.record.key });
  }

  #new(record: ShapeRecord, state: SlotState): Slot {
    const { random, clock } = this.#options;
    const slot = new Slot(record, (2 * random() - 1) * LARGEST_JITTER);
    slot.readyAt = clock.monotonic();
    this.move(slot, state);
    return slot;
  }
}
