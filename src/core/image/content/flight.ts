import { abortable } from '../../model/async/abortable.ts';

/** Work on one blob that several wait for. */
export class Flight {
  /** Never rejects. */
  readonly #settled: Promise<unknown>;
  readonly #listeners = new Set<(bytes: number) => void>();
  #bytes = 0;

  constructor(work: (tell: (bytes: number) => void) => Promise<unknown>) {
    this.#settled = work((bytes) => this.#tell(bytes)).catch(() => {});
  }

  /** Resolves when the work has ended, well or not. @throws the signal's reason */
  async wait(onProgress?: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    // Of its own: two may wait with the same function.
    const listener = (bytes: number): void => onProgress?.(bytes);
    this.#listeners.add(listener);
    try {
      if (this.#bytes > 0) listener(this.#bytes);
      await abortable(this.#settled, signal);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  #tell(bytes: number): void {
    this.#bytes = bytes;
    for (const listener of this.#listeners) listener(bytes);
  }
}
