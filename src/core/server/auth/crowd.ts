import { FsbError } from '../../model/failure/errors.ts';
import { sourceOf } from '../ends.ts';

/** Of what anybody may have open, how much is open: by those of one source, and in all. */
export class Crowd {
  readonly #most: number;
  readonly #mostOfSource: number;
  readonly #what: string;
  readonly #ofSources = new Map<string, number>();
  #all = 0;

  /** @param what as in `128 watches of the health are open` */
  constructor(most: number, mostOfSource: number, what: string) {
    this.#most = most;
    this.#mostOfSource = mostOfSource;
    this.#what = what;
  }

  /** @returns to be called when it is over; idempotent @throws no_capacity: too many from there, or in all */
  enter(address: string): () => void {
    const source = sourceOf(address);
    const same = this.#ofSources.get(source) ?? 0;
    if (same >= this.#mostOfSource) throw this.#full(same, ' from this address');
    if (this.#all >= this.#most) throw this.#full(this.#all, '');
    this.#ofSources.set(source, same + 1);
    this.#all += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#all -= 1;
      const left = this.#ofSources.get(source)! - 1;
      if (left === 0) this.#ofSources.delete(source);
      else this.#ofSources.set(source, left);
    };
  }

  #full(open: number, whence: string): FsbError {
    return new FsbError('no_capacity', `${open} ${this.#what} are open${whence}, as many as there may be`, {
      hint: 'Try again when some of them have ended.',
    });
  }
}

/** Of the health service, over all listeners. */
export const watchesOfHealth = (): Crowd => new Crowd(1024, 128, 'watches of the health');
