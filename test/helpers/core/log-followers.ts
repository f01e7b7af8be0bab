import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';

/** One `logs -f`. */
export class LogFollower {
  readonly #leave = new AbortController();
  readonly #entries: AsyncIterator<LogEntry>;
  #said = '';

  constructor(core: CoreApi, ref: SandboxRef) {
    const query = { follow: true, stdout: true, stderr: true };
    this.#entries = core.sandboxes.logs(ref, query, { signal: this.#leave.signal })[Symbol.asyncIterator]();
  }

  /** Everything up to a text, that too. @throws when the log ends before, or breaks */
  async until(text: string): Promise<string> {
    while (!this.#said.includes(text)) {
      const { done, value } = await this.#entries.next();
      if (done) throw new Error(`the log ended without ${text}: ${this.#said}`);
      this.#said += value.data;
    }
    return this.#said;
  }

  async close(): Promise<void> {
    this.#leave.abort();
    await this.#entries.next().catch(() => {});
  }
}
