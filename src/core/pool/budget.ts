import { FsbError } from '../model/failure/errors.ts';

/** An amount of the budget: instances, and bytes of memory. */
export interface Room {
  count: number;
  memory: number;
}

/**
 * What all instances of a pool may take together, whatever their state: from before the boot begins until the teardown
 * has really ended. Changed only synchronously, so that no two callers ever spend the same room.
 */
export class Budget {
  #total: Readonly<Room>;
  readonly #used: Room = { count: 0, memory: 0 };

  constructor(total: Room) {
    this.#total = { ...total };
  }

  /** What is taken stays taken: the free room may become negative, and then nothing fits until enough is given back. */
  resize(total: Room): void {
    this.#total = { ...total };
  }

  get used(): Readonly<Room> {
    return { ...this.#used };
  }

  /** Negative when adopted instances take more than the budget has, or the budget has shrunk. */
  get free(): Room {
    return { count: this.#total.count - this.#used.count, memory: this.#total.memory - this.#used.memory };
  }

  fits(memory: number): boolean {
    return this.#used.count < this.#total.count && this.#used.memory + memory <= this.#total.memory;
  }

  /** False when one such instance is more than the whole budget: waiting for room is no use. */
  everFits(memory: number): boolean {
    return this.#total.count >= 1 && memory <= this.#total.memory;
  }

  /** @throws internal when it does not fit: the sizing plans within the free room, so that is a bug */
  reserve(memory: number): void {
    if (!this.fits(memory))
      throw new FsbError('internal', `the pool's budget has no room for another instance of ${memory} bytes`);
    this.add(memory);
  }

  /** For instances that exist already: they count even where the budget has shrunk below them. */
  add(memory: number): void {
    this.#used.count += 1;
    this.#used.memory += memory;
  }

  /** One that is there takes so many bytes more, or less: it counts even where the budget has shrunk below it. */
  grow(more: number): void {
    this.#used.memory += more;
  }

  release(memory: number): void {
    if (this.#used.count < 1 || this.#used.memory < memory)
      throw new FsbError('internal', "more was given back to the pool's budget than was taken from it");
    this.#used.count -= 1;
    this.#used.memory -= memory;
  }
}
