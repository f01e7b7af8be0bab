import { FsbError } from '../../core/model/failure/errors.ts';
import {
  type ExitStatus,
  exitCodeOf,
  type OutputChunk,
  type ProcessSession,
} from '../../core/model/process.ts';

/**
 * Counts the bytes that are not in the output of a session: a log has a cap, and what comes back over the next core, or joins
 * late, may find that it has dropped a part.
 */
export class Missing {
  readonly #next: Partial<Record<OutputChunk['stream'], number>>;
  #bytes = 0;

  constructor({ place }: Pick<ProcessSession, 'place'>) {
    this.#next = place === undefined ? {} : { stdout: place.stdout, stderr: place.stderr };
  }

  /** How many are missing before this one. */
  before({ stream, offset, data }: OutputChunk): number {
    const bytes = offset - (this.#next[stream] ?? offset);
    this.#next[stream] = offset + data.length;
    this.#bytes += bytes;
    return bytes;
  }

  /** An exit code of 0 would say that all is there; any other one is the command's own. @throws run_failed */
  assertNone(status: ExitStatus): void {
    if (this.#bytes === 0 || exitCodeOf(status) !== 0) return;
    throw new FsbError(
      'run_failed',
      `${this.#bytes} bytes of the output are missing: the log had dropped them before they could be shown; the command ended with exit code 0`,
      {
        hint: 'The log keeps the last of an output for who comes late; --log-size of fsb-ctl daemon start says how much.',
      },
    );
  }
}
