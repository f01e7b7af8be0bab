import type { GuestProcess } from '../../guest/guest-channel.ts';
import type { Instance } from '../../instance/instance.ts';
import { type ExitStatus, SIGKILL } from '../../model/process.ts';

/** What a shell ends with when its command was killed. */
const SHELL_KILLED = 128 + SIGKILL;

/**
 * Tells a main process that was killed for lack of memory from one that was killed otherwise. The kernel only counts
 * its kills in the whole instance: those that are known to be of something else are taken off.
 */
export class MemoryVerdict {
  readonly #instance: Pick<Instance, 'stats' | 'channel'>;
  #explained: number;
  #over = false;

  /** @param earlier kills of before the main process was started */
  constructor(instance: Pick<Instance, 'stats' | 'channel'>, main: GuestProcess, earlier = 0) {
    this.#instance = instance;
    this.#explained = earlier;
    const end = (): void => {
      this.#over = true;
    };
    main.exited.then(end, end);
    // In an instance of an earlier core, all kills so far spared a main process that lives.
    if (instance.channel.known.some(({ id, running }) => id === main.id && running)) void this.#explain();
  }

  /** Of any exec, when it has ended. */
  async execEnded({ code, signal }: ExitStatus): Promise<void> {
    if (signal === SIGKILL || code === SHELL_KILLED) await this.#explain();
  }

  /** To be asked when the main process is gone. */
  async ranOut(): Promise<boolean> {
    return ((await this.#kills()) ?? 0) > this.#explained;
  }

  /** A count that is read after the end of the main process may hold its own kill. */
  async #explain(): Promise<void> {
    const kills = await this.#kills();
    if (!this.#over && kills !== undefined) this.#explained = kills;
  }

  async #kills(): Promise<number | undefined> {
    return (await this.#instance.stats().catch(() => undefined))?.oomKills;
  }
}

/**
 * What an instance that somebody had before brings along: its kills are not those of who comes next. When it cannot be
 * known, nobody is told to have run out of memory.
 */
export const earlierKills = (instance: Pick<Instance, 'stats'>): Promise<number> =>
  instance.stats().then(
    ({ oomKills }) => oomKills,
    () => Number.MAX_SAFE_INTEGER,
  );
