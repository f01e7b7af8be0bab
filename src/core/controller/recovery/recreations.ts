import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { isDue, notRecreated } from '../decide/failure-policy.ts';
import type { Generations } from '../lifecycle/generations.ts';
import type { Operations } from '../lifecycle/operations.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';

export interface RecreationsParts {
  operations: Pick<Operations, 'byItself'>;
  generations: Pick<Generations, 'recreate' | 'finishRecreation'>;
  clock: Clock;
  log: Logger;
}

/** Recreates lost sandboxes when their time has come, each loss once: what fails is Failed, and is not tried again. */
export class Recreations {
  readonly #operations: RecreationsParts['operations'];
  readonly #generations: RecreationsParts['generations'];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #closing = new AbortController();

  constructor({ operations, generations, clock, log }: RecreationsParts) {
    this.#operations = operations;
    this.#generations = generations;
    this.#clock = clock;
    this.#log = log;
  }

  /** Its time has come, unless what its user does just now says otherwise. */
  due(entry: SandboxEntry): void {
    void this.#operations.byItself(entry, async () => {
      if (!isDue(entry.sandbox.state, this.#clock.monotonic())) return;
      await this.#once(entry, (signal) => this.#generations.recreate(entry, signal));
    });
  }

  /** What the last core was killed in. Takes its turn before anybody else can. */
  resume(entry: SandboxEntry): void {
    const { state, previous } = entry.sandbox;
    if (state.phase !== 'Pending' || previous?.lost === undefined) return;
    void this.#operations.byItself(entry, () =>
      this.#once(entry, (signal) => this.#generations.finishRecreation(entry, signal)),
    );
  }

  /** What is under way is left to the next core. */
  close(): void {
    this.#closing.abort(new FsbError('unavailable', 'the core is stopping'));
  }

  async #once(entry: SandboxEntry, recreate: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    try {
      await recreate(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#log.error({ err: error, sandbox: entry.sandbox.name }, 'cannot recreate a lost sandbox');
      await this.#failed(entry, FsbError.from(error)).catch((err) =>
        this.#log.error({ err, sandbox: entry.sandbox.name }, 'cannot write a record'),
      );
    }
  }

  /** A start that failed has told it already. */
  async #failed(entry: SandboxEntry, { message }: FsbError): Promise<void> {
    const lost = lostBefore(entry.sandbox);
    if (lost === undefined) return;
    const now = this.#clock.now();
    const reason = notRecreated(lost, message);
    await entry.enter({ phase: 'Failed', endedAt: now, reason }, now, reason);
  }
}

/** Why it was lost, as long as it was not recreated. */
function lostBefore({ state, previous }: Sandbox): string | undefined {
  if (state.phase === 'Lost') return state.reason;
  return state.phase === 'Pending' ? previous?.lost : undefined;
}
