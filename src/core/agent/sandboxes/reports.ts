import type { AgentNews, AgentSandbox } from '../../api/agent-api.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';

/** Tells watchers what becomes of sandboxes. */
export class Reports {
  readonly #readers = new Set<Reader>();

  tell(change: AgentSandbox): void {
    for (const reader of this.#readers) reader.push(change);
  }

  /** See AgentApi.watch. */
  async *read(
    present: () => Promise<AgentSandbox[]>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<AgentNews> {
    const reader = new Reader();
    this.#readers.add(reader);
    try {
      for (const sandbox of await present()) yield { sandbox };
      yield { complete: true };
      for (;;) yield { sandbox: await reader.next(signal) };
    } finally {
      this.#readers.delete(reader);
    }
  }
}

/** What one watcher has not read yet: of each sandbox the newest state, so a slow one takes no more than there are. */
class Reader {
  readonly #unread = new Map<string, AgentSandbox>();
  #wake = (): void => {};

  push(change: AgentSandbox): void {
    const { sandboxId } = change;
    this.#unread.delete(sandboxId);
    this.#unread.set(sandboxId, change);
    this.#wake();
  }

  /** @throws the reason of the abort */
  async next(signal: AbortSignal | undefined): Promise<AgentSandbox> {
    throwIfAborted(signal);
    while (this.#unread.size === 0) await this.#change(signal);
    const [change] = this.#unread.values();
    this.#unread.delete(change!.sandboxId);
    return change!;
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(FsbError.from(signal?.reason));
      signal?.addEventListener('abort', aborted, { once: true });
      this.#wake = () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
    });
  }
}
