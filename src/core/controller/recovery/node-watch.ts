import type { Logger } from 'pino';
import type { AgentApi, AgentSandbox } from '../../api/agent-api.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';

export interface NodeWatchOptions {
  agent: Pick<AgentApi, 'watch'>;
  clock: Clock;
  log: Logger;
  /** A sandbox of the node has changed. */
  changed: (report: AgentSandbox) => void;
  /**
   * The node is asked for everything anew, because the way to it broke.
   * @returns to be called with the answer
   */
  asked: () => (reports: AgentSandbox[]) => void;
}

/** Pauses before the node is asked again, milliseconds; the last one from then on. */
const PAUSES = [50, 200, 500, 1000, 2000];

/** Hears of the node for as long as the controller is there, also when the way to it breaks in between. */
export class NodeWatch {
  /** What the node had in the beginning; what has changed since then is told later. @throws as AgentApi.watch */
  readonly first: Promise<AgentSandbox[]>;
  readonly #options: NodeWatchOptions;
  readonly #stop = new AbortController();
  #cancelPause = (): void => {};

  /** Asks when the code that has made it is done. */
  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.first = new Promise((resolve, reject) => {
      queueMicrotask(() => void this.#run(resolve).catch(reject));
    });
    // Not everybody needs it.
    this.first.catch(() => {});
  }

  close(): void {
    this.#stop.abort(new FsbError('unavailable', 'the core is stopping'));
    this.#cancelPause();
  }

  /** @throws when the node cannot be reached in the beginning */
  async #run(begun: (reports: AgentSandbox[]) => void): Promise<void> {
    const { log, asked } = this.#options;
    let hasBegun = false;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const answered = hasBegun ? asked() : begun;
      try {
        await this.#round((reports) => {
          if (hasBegun) log.info('the node is back');
          hasBegun = true;
          failures = 0;
          answered(reports);
        });
      } catch (error) {
        if (!hasBegun) throw error;
        if (this.#stop.signal.aborted) return;
        if (failures === 0) log.warn({ err: error }, 'the way to the node broke: asking again and again');
      }
      await this.#pause(failures);
      failures += 1;
    }
  }

  async #round(all: (reports: AgentSandbox[]) => void): Promise<void> {
    const present: AgentSandbox[] = [];
    let complete = false;
    for await (const news of this.#options.agent.watch({ signal: this.#stop.signal })) {
      if (news.complete) {
        complete = true;
        all(present);
      } else if (complete) this.#options.changed(news.sandbox);
      else present.push(news.sandbox);
    }
  }

  #pause(failures: number): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(PAUSES[Math.min(failures, PAUSES.length - 1)]!, resolve);
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
