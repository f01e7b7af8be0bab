import type { Logger } from 'pino';
import { failpoint } from './model/failure/failpoint.ts';

/** What was opened, to be closed in reverse order, each once, whatever the others do. */
export class Cleanup {
  readonly #steps: { what: string; close: () => Promise<unknown> | unknown }[] = [];
  readonly #log: Logger;
  #done: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(what: string, close: () => Promise<unknown> | unknown): void {
    this.#steps.push({ what, close });
  }

  /** Idempotent: every caller waits for the same end. Never rejects; what went wrong is logged. */
  run(): Promise<void> {
    this.#done ??= this.#runAll();
    return this.#done;
  }

  async #runAll(): Promise<void> {
    for (const { what, close } of this.#steps.reverse()) {
      try {
        await close();
        this.#log.debug({ what }, 'closed');
        failpoint('close.*', what);
      } catch (error) {
        this.#log.error({ err: error, what }, 'could not be closed');
      }
    }
  }
}
