import { FsbError } from '../../model/failure/errors.ts';

/** What the layers of one image may have together; a small compressed file can hold a disk full of zeros. */
export interface UnpackLimits {
  /** Headers in the tars, also those that only say more of the next entry. */
  entries: number;
  /** Of the plain tars, and of the files in them. */
  bytes: number;
  /** Parts of names that are looked at to find out where they lead; a symbolic link on the way counts as many. */
  steps: number;
  /** Bytes of memory for what is put on directories and files at the end of one layer. */
  memory: number;
}

/** More than real images have. Steps take up to a minute in all. */
const usualLimits: UnpackLimits = {
  entries: 4_000_000,
  bytes: 128 * 1024 ** 3,
  steps: 100_000_000,
  memory: 256 * 1024 ** 2,
};

/** As it goes to another thread, which takes from the same one. */
export interface SharedBudget {
  limits: UnpackLimits;
  /** As many 64-bit numbers as there are counters. */
  left: SharedArrayBuffer;
}

const COUNTER = { entries: 0, read: 1, written: 2, steps: 3 } as const;
const COUNTERS = Object.keys(COUNTER).length;

/**
 * What is left of the limits of one image. Its layers are unpacked in several threads at once, and all take from it;
 * what a layer took that failed is not given back, as the image fails with it.
 * Every method throws invalid_argument when there is no more.
 */
export class UnpackBudget {
  readonly shared: SharedBudget;
  readonly #left: BigInt64Array;

  /** A new one. */
  static of(limits: Partial<UnpackLimits> = {}): UnpackBudget {
    const all = { ...usualLimits, ...limits };
    const budget = new UnpackBudget({ limits: all, left: new SharedArrayBuffer(COUNTERS * 8) });
    for (const [name, index] of Object.entries(COUNTER))
      budget.#left[index] = BigInt(name in all ? all[name as 'entries' | 'steps'] : all.bytes);
    return budget;
  }

  /** One that others take from, too. */
  constructor(shared: SharedBudget) {
    this.shared = shared;
    this.#left = new BigInt64Array(shared.left);
  }

  takeEntry(): void {
    const { entries } = this.shared.limits;
    if (!this.#take('entries', 1)) throw tooMuch(`have more than ${entries} entries`);
  }

  /** Bytes of a plain tar. */
  takeRead(bytes: number): void {
    if (!this.#take('read', bytes)) throw tooMuch(`unpack to more than ${this.shared.limits.bytes} bytes`);
  }

  /** Bytes of a file: a sparse one takes little room in the tar and on the disk, but not where it is copied to. */
  takeWritten(bytes: number): void {
    if (!this.#take('written', bytes))
      throw tooMuch(`have files of more than ${this.shared.limits.bytes} bytes`);
  }

  takeSteps(steps: number): void {
    if (!this.#take('steps', steps))
      throw tooMuch(`have names that take more than ${this.shared.limits.steps} steps to follow`);
  }

  #take(counter: keyof typeof COUNTER, amount: number): boolean {
    const wanted = BigInt(amount);
    return Atomics.sub(this.#left, COUNTER[counter], wanted) >= wanted;
  }
}

const tooMuch = (what: string): FsbError =>
  new FsbError('invalid_argument', `the layers of its image ${what} together`);
