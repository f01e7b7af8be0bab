import { Cores } from './cores.ts';

/** Milliseconds that a case may take: less than its test may. */
const PATIENCE = 50_000;

/**
 * Cases one after the other on one root: the core that has recovered from one, and was looked at, is the first of the
 * next. After one that fails the next begins on a root of its own.
 */
export class Chain {
  #cores: Cores | undefined;

  /** @throws what the case does, with what people need to find out why */
  async run(work: (cores: Cores) => Promise<void>): Promise<void> {
    this.#cores ??= await Cores.open();
    const cores = this.#cores;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it is not over after ${PATIENCE} ms`)), PATIENCE);
    });
    try {
      await Promise.race([work(cores), late]);
    } catch (error) {
      this.#cores = undefined;
      if (error instanceof Error) error.message += `\n${await cores.abandon()}`;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Everything goes. Idempotent. @returns what is left all the same */
  async end(): Promise<string[]> {
    const cores = this.#cores;
    this.#cores = undefined;
    return (await cores?.end()) ?? [];
  }
}
