import type { Instance } from '../../instance/instance.ts';
import { type ExitStatus, SIGKILL } from '../../model/process.ts';

/** What a shell ends with when its command was killed. */
const SHELL_KILLED = 128 + SIGKILL;

/**
 * How often the kernel has killed something in an instance for memory. It counts for the whole instance, and to look
 * costs some reading of files: that is done only when a process was killed.
 */
export class MemoryKills {
  readonly #instance: Pick<Instance, 'stats'>;
  #known = 0;

  /** @param fresh nobody had the instance before: nothing was killed in it */
  constructor(instance: Pick<Instance, 'stats'>, fresh: boolean) {
    this.#instance = instance;
    if (fresh) return;
    // Until the earlier kills are known, nobody is told to have run out of memory for one of them.
    this.#known = Number.MAX_SAFE_INTEGER;
    void this.#look();
  }

  /** At the last look; for judged() of a process that is started now. */
  get known(): number {
    return this.#known;
  }

  /** The status of a process that was started when `before` were known: killed for memory when it is more by now. */
  async judged(status: ExitStatus, before: number): Promise<ExitStatus> {
    const { code, signal } = status;
    if (signal !== SIGKILL && code !== SHELL_KILLED) return status;
    const kills = await this.#look();
    return signal === SIGKILL && kills > before ? { ...status, oomKilled: true } : status;
  }

  /** Nothing new when the instance is gone meanwhile. */
  async #look(): Promise<number> {
    const stats = await this.#instance.stats().catch(() => undefined);
    if (stats !== undefined) this.#known = stats.oomKills;
    return stats?.oomKills ?? 0;
  }
}
