import type { Logger } from 'pino';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { Persistence } from './persistence.ts';

interface EndRecordOptions {
  clock: Clock;
  log: Logger;
}

/** Some tries: rare ones, until somebody waits for the record. */
interface Round {
  hurry: AbortController;
  failed: Promise<never>;
  fail: (cause: Error) => void;
}

/**
 * The record of the end of a sandbox. Until it is written its guest lives on, which knows the end and tells it to the next
 * core; so who ends it is not told that it has ended before that, nor waits without end.
 */
export class EndRecord {
  readonly #options: EndRecordOptions;
  readonly #unwanted = new AbortController();
  #round = newRound();

  constructor(options: EndRecordOptions) {
    this.#options = options;
  }

  /** Tries until it succeeds. @throws what the last try failed with, when nobody wants it any more */
  async insist(write: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    const stop = this.#unwanted.signal;
    for (;;) {
      const { hurry, fail } = this.#round;
      const what = 'the end of a sandbox';
      const tries = new Persistence({ clock, log, what, hurry: hurry.signal, stop });
      try {
        return await tries.insist(write);
      } catch (error) {
        if (stop.aborted) throw error;
        this.#round = newRound();
        fail(FsbError.from(error));
      }
    }
  }

  /** For who waits for it: it is tried again soon. Never resolves. @throws why it cannot be written for now */
  hurry(): Promise<never> {
    this.#round.hurry.abort();
    return this.#round.failed;
  }

  /** What fails from now on is not tried again. */
  giveUp(): void {
    this.#unwanted.abort();
  }
}

function newRound(): Round {
  let fail: Round['fail'] = noop;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(noop);
  return { hurry: new AbortController(), failed, fail };
}

/** For who has ended it. @param name `namespace/name` */
export function notEnded(name: string, error: unknown): FsbError {
  const cause = FsbError.from(error);
  const later = 'It counts as ended as soon as that is on record, which is tried again and again.';
  return new FsbError(
    cause.code,
    `the command of sandbox ${name} has ended, but that cannot be recorded: ${cause.message}`,
    { hint: cause.hint ? `${cause.hint} ${later}` : later, cause },
  );
}
