import type { ExecRequest } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import { throwIfAborted } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import type { ReleaseOptions } from '../../pool/pool.ts';
import type { Surroundings } from '../ledger/records.ts';
import type { HeldInstance } from '../pools/held-instance.ts';
import { Execs } from '../processes/execs.ts';
import { MemoryKills } from '../processes/memory-kills.ts';
import { watchedSession } from '../processes/watched-session.ts';

/**
 * One command in an instance of its own. The instance is given back, with all that the command left in it, when the
 * output was delivered and the command has ended, and before that when its caller lets go, leaves, or the instance is
 * lost.
 */
export class OneShot {
  readonly #held: HeldInstance;
  readonly #execs: Execs;
  readonly #onGone: (gone: Promise<void>) => void;
  #stopListening: () => void = noop;
  /** The next core would take the instance for a fresh one: nobody may have it after this run. */
  #unrecorded = false;
  #gone: Promise<void> | undefined;

  /** @param onGone is told of the giving back when it begins, and how it ends */
  constructor(held: HeldInstance, surroundings: Surroundings, onGone: (gone: Promise<void>) => void) {
    this.#held = held;
    this.#execs = new Execs({
      channel: held.instance.channel,
      surroundings,
      over: () => this.#gone !== undefined,
      kills: new MemoryKills(held.instance, held.fresh),
    });
    this.#onGone = onGone;
  }

  /** @throws command_not_found, not_executable, run_failed, cancelled; the instance is given back then */
  async start(request: ExecRequest, signal?: AbortSignal): Promise<ProcessSession> {
    try {
      throwIfAborted(signal);
      const recorded = this.#held.use({ by: 'run' });
      recorded.catch(() => {
        this.#unrecorded = true;
      });
      const session = await this.#execs.start(request, signal, recorded);
      this.#endOnAbort(signal);
      return this.#watched(session);
    } catch (error) {
      void this.end({ destroy: true });
      throw error;
    }
  }

  /** Ends what runs; resolves when the instance is destroyed or idle again. Idempotent: the first call decides. */
  end(options: ReleaseOptions = {}): Promise<void> {
    if (this.#gone === undefined) {
      this.#stopListening();
      this.#gone = this.#held.giveBack(this.#unrecorded ? { destroy: true } : options);
      this.#onGone(this.#gone);
    }
    return this.#gone;
  }

  #endOnAbort(signal?: AbortSignal): void {
    const end = (): void => void this.end();
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    this.#stopListening = () => signal?.removeEventListener('abort', end);
  }

  #watched(session: ProcessSession): ProcessSession {
    return watchedSession(session, {
      // A step later: to begin a teardown holds the core up for some milliseconds, and the caller waits for the status.
      over: (how) => (how === 'left' ? void this.end() : setImmediate(() => void this.end())),
    });
  }
}
