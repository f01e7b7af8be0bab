import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { withEither } from '../../model/async/either-signal.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { isLive } from '../../model/sandbox/phase.ts';
import { mayEnd } from '../decide/phase-after.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Operations } from './operations.ts';

/**
 * Milliseconds for a client that has created it and is about to attach, or whose connection broke and who comes back for
 * the rest.
 */
const PATIENCE = 10_000;

export interface AutoRemovalParts {
  operations: Pick<Operations, 'byItself'>;
  lifecycle: Pick<Lifecycle, 'remove'>;
  clock: Clock;
  log: Logger;
}

/**
 * Deletes each sandbox that goes with its run, in a while after that is over and nobody reads it any more: its client may
 * be gone. One that is there deletes it at once; where none was to come, nothing is waited for. What somebody starts again meanwhile stays until its next end.
 */
export class AutoRemoval {
  readonly #parts: AutoRemovalParts;
  readonly #closing = new AbortController();
  /** When this core began, milliseconds since the epoch. */
  readonly #since: number;

  constructor(parts: AutoRemovalParts) {
    this.#parts = parts;
    this.#since = parts.clock.now();
    // Every sandbox listens; more than ten of them are no leak.
    setMaxListeners(0, this.#closing.signal);
  }

  /** From its creation on, or, in a later core, from the start of that. */
  watch(entry: SandboxEntry): void {
    if (!entry.sandbox.autoRemove) return;
    this.#removeWhenDone(entry).catch((error) => {
      // It is deleted, or left to the next core.
      if (entry.gone || this.#closing.signal.aborted) return;
      this.#parts.log.error(
        { err: error, sandbox: entry.sandbox.name },
        'cannot see to it that a sandbox is deleted',
      );
    });
  }

  /**
   * Deletes one at once for whoever wants its name, where it is over and the client who created it has lost its core, or was
   * never to attach. In this very core it may be about to. One that is on its way back from the last core, and late, is told that
   * it is gone: most have been told so already, and who wants the name would wait for nobody.
   * @returns whether the name is free now
   */
  async giveWay(entry: SandboxEntry): Promise<boolean> {
    const { operations, lifecycle } = this.#parts;
    const isLeft = (): boolean =>
      isDone(entry) && (entry.sandbox.detached === true || entry.sandbox.createdAt < this.#since);
    if (!entry.sandbox.autoRemove || !isLeft()) return false;
    await operations.byItself(entry, async () => {
      if (isLeft()) lifecycle.remove(entry, 0).gone.catch(noop);
    });
    return entry.deletion !== undefined;
  }

  /** What is not deleted yet is left to the next core. */
  close(): void {
    this.#closing.abort(new FsbError('unavailable', 'the core is stopping'));
  }

  async #removeWhenDone(entry: SandboxEntry): Promise<void> {
    const { operations, lifecycle } = this.#parts;
    const { signal } = this.#closing;
    while (entry.deletion === undefined) {
      await entry.until(() => isDone(entry) || undefined, signal);
      if (!entry.sandbox.detached && !(await this.#staysDone(entry))) continue;
      await operations.byItself(entry, async () => {
        // One that fails is tried again by itself.
        if (isDone(entry) && !signal.aborted) lifecycle.remove(entry, 0).gone.catch(noop);
      });
    }
  }

  /** Whether nobody comes for it: in a while, or at once when whoever would have says that he has left it. */
  async #staysDone(entry: SandboxEntry): Promise<boolean> {
    const patience = new AbortController();
    const cancel = this.#parts.clock.after(PATIENCE, () => patience.abort());
    try {
      return await withEither(patience.signal, this.#closing.signal, (signal) =>
        entry.until(({ detached }) => (isDone(entry) ? detached : false), signal),
      );
    } catch (error) {
      if (patience.signal.aborted) return true;
      throw error;
    } finally {
      cancel();
    }
  }
}

/** What runs may still end, and what is lost be recreated. */
const isDone = ({ sandbox: { state }, isRead }: SandboxEntry): boolean =>
  !isRead &&
  !isLive(state.phase) &&
  !mayEnd(state) &&
  !(state.phase === 'Lost' && state.recreateAt !== undefined);
