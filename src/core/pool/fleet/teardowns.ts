import type { Logger } from 'pino';
import type { Instance } from '../../instance/instance.ts';
import type { Clock } from '../../model/clock.ts';

/** Milliseconds from a failed try to the next: the first, and the longest. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;

export interface TeardownsOptions {
  clock: Clock;
  log: Logger;
}

/** Destroys instances, and tries again what fails: it lives as long as it is not destroyed. */
export class Teardowns {
  readonly #options: TeardownsOptions;
  readonly #pauses = new Set<() => void>();
  #stopped = false;

  constructor(options: TeardownsOptions) {
    this.#options = options;
  }

  /** @returns whether nothing is left of it; false only after stop(). `failed` is called when a try failed. */
  async run(instance: Instance, cause: string, failed: () => void): Promise<boolean> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await instance.destroy(cause);
        return true;
      } catch (error) {
        this.#options.log.error({ err: error, instance: instance.id }, 'an instance could not be destroyed');
        failed();
      }
      if (!this.#stopped) await this.#pause(pause);
      if (this.#stopped) return false;
    }
  }

  /** Nothing is tried again any more; each instance still has its first try. */
  stop(): void {
    this.#stopped = true;
    for (const end of [...this.#pauses]) end();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      this.#pauses.add(end);
    });
  }
}
