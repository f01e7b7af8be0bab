import type { Clock } from '../../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../../model/failure/errors.ts';
import { encodeHurry, encodeKill, encodeStart, type LaunchResult } from './launch-frames.ts';
import { LaunchServer } from './launch-server.ts';

const CLOSE_TIMEOUT_MS = 2000;

export interface LaunchOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** It runs at a low priority until this fires. Left out: at the normal one from the start. */
  lowUntil?: AbortSignal;
}

/**
 * Runs the modes of fsb-launch, and through it other programs, with no input, a clean environment and a bound on what
 * they may say. They are started by a small process that lives as long as this does: to fork the core itself stops
 * everything in it for milliseconds.
 */
export class Launcher {
  readonly #binary: string;
  readonly #clock: Clock;
  #server: LaunchServer | undefined;

  /** Starts nothing before it is needed. */
  constructor(binary: string, clock: Clock) {
    this.#binary = binary;
    this.#clock = clock;
  }

  /**
   * When the deadline passes or the signal fires, the process and its children are killed; either way it has ended when
   * this settles.
   * @param words a mode of fsb-launch, and what follows it
   * @throws run_failed (cannot be executed, deadline), or what the signal was aborted with
   */
  async run(words: string[], { timeoutMs, signal, lowUntil }: LaunchOptions): Promise<LaunchResult> {
    throwIfAborted(signal);
    const server = this.#running();
    const low = lowUntil !== undefined && !lowUntil.aborted;
    const { id, result } = server.start((own) => encodeStart(own, words, low));
    const kill = (): void => server.send(encodeKill(id));
    const hurry = (): void => server.send(encodeHurry(id));
    let timedOut = false;
    const cancelDeadline = this.#clock.after(timeoutMs, () => {
      timedOut = true;
      kill();
    });
    signal?.addEventListener('abort', kill);
    if (low) lowUntil.addEventListener('abort', hurry);
    try {
      const ended = await result;
      throwIfAborted(signal);
      if (timedOut)
        throw new FsbError('run_failed', `fsb-launch ${words[0]} did not end within ${timeoutMs} ms`);
      return ended;
    } finally {
      cancelDeadline();
      signal?.removeEventListener('abort', kill);
      lowUntil?.removeEventListener('abort', hurry);
    }
  }

  /** Ends what still runs. Bounded, idempotent; a later run() starts anew. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const cancel = this.#clock.after(CLOSE_TIMEOUT_MS, () => server.kill());
    server.end();
    await server.ended;
    cancel();
  }

  #running(): LaunchServer {
    if (this.#server === undefined || this.#server.isOver) this.#server = new LaunchServer(this.#binary);
    return this.#server;
  }
}
