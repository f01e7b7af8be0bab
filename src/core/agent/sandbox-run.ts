import type { GuestProcess } from '../guest/guest-channel.ts';
import type { Instance } from '../instance/instance.ts';
import type { LogWriter } from '../logs/log-store.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import type { ExitStatus } from '../model/process.ts';
import { MainPump } from './main-pump.ts';
import type { SlotEnd, SlotRecord } from './records.ts';

const SIGTERM = 15;
const SIGKILL = 9;
const KILL_ANSWER = 1000;

export interface SandboxRunOptions {
  sandboxId: string;
  slot: SlotRecord;
  instance: Instance;
  main: GuestProcess;
  log: LogWriter;
  clock: Clock;
  /** Makes the end durable; the guest is told to forget the process only after that. */
  recordEnd: (end: SlotEnd) => Promise<void>;
  /** Gives the instance back to its pool; resolves when its slot is free. */
  release: (instance: Instance) => Promise<void>;
}

/**
 * One sandbox while it has an instance: main process, log, attached readers, end.
 *
 * `ended` resolves when the main process is gone, its output is in the log and the end is recorded; `gone` when no
 * trace of the instance is left. Neither rejects.
 */
export class SandboxRun {
  readonly sandboxId: string;
  readonly slot: SlotRecord;
  readonly instance: Instance;
  readonly main: GuestProcess;
  readonly pump: MainPump;
  readonly ended: Promise<SlotEnd>;
  readonly gone: Promise<void>;
  readonly #options: SandboxRunOptions;
  #nextProcess: number;
  #stopping: Promise<void> | undefined;
  #detached = false;

  constructor(options: SandboxRunOptions) {
    this.#options = options;
    this.sandboxId = options.sandboxId;
    this.slot = options.slot;
    this.instance = options.instance;
    this.main = options.main;
    this.pump = new MainPump(options.main, options.log);
    this.#nextProcess =
      Math.max(options.main.id, ...options.instance.channel.known.map((known) => known.id)) + 1;
    this.ended = this.#watch();
    this.gone = this.ended.then(() => (this.#detached ? undefined : options.release(options.instance)));
  }

  /** Bytes of both streams that are in the log. */
  get logged(): number {
    const { stdout, stderr } = this.#options.log.offsets;
    return stdout + stderr;
  }

  /** Ids are never used twice in an instance, so that a late frame cannot reach the wrong process. */
  nextProcessId(): number {
    return this.#nextProcess++;
  }

  /** SIGTERM to the main process, after `grace` milliseconds SIGKILL to everything. Resolves when it has ended. */
  stop(grace: number): Promise<void> {
    if (grace <= 0) return this.#kill();
    this.#stopping ??= this.#stopGently(grace);
    return this.#stopping;
  }

  /** Lets go and leaves the sandbox running: neither its log nor its record learns of an end. */
  async detach(): Promise<void> {
    this.#detached = true;
    await this.instance.detach();
    await this.ended;
  }

  async #stopGently(grace: number): Promise<void> {
    this.main.signal(SIGTERM);
    const cancel = this.#options.clock.after(grace, () => void this.#kill());
    await this.ended;
    cancel();
  }

  async #kill(): Promise<void> {
    this.main.signal(SIGKILL);
    // A guest that does not even deliver SIGKILL any more (frozen, or not ours any more) is ended from outside.
    const cancel = this.#options.clock.after(KILL_ANSWER, () => void this.instance.kill().catch(() => {}));
    await this.ended;
    cancel();
  }

  async #watch(): Promise<SlotEnd> {
    const pumping = this.pump.run().catch(() => {});
    const end = await this.#outcome();
    await pumping;
    if (!this.#detached) await this.#options.log.end().catch(() => {});
    await this.#options.log.close();
    if (this.#detached) return end;
    await this.#options.recordEnd(end).catch(() => {});
    this.main.acknowledgeExit();
    return end;
  }

  async #outcome(): Promise<SlotEnd> {
    try {
      const status = await this.main.exited;
      return { kind: 'exited', at: this.#options.clock.now(), status: await this.#withMemoryVerdict(status) };
    } catch (error) {
      const at = this.#options.clock.now();
      // Where the kernel kills the whole group for memory, PID 1 goes too and nobody is left to report the exit.
      if (await this.#ranOutOfMemory())
        return { kind: 'exited', at, status: { code: null, signal: SIGKILL, oomKilled: true } };
      return { kind: 'lost', at, reason: FsbError.from(error).message };
    }
  }

  async #withMemoryVerdict(status: ExitStatus): Promise<ExitStatus> {
    if (status.signal !== SIGKILL || !(await this.#ranOutOfMemory())) return status;
    return { ...status, oomKilled: true };
  }

  async #ranOutOfMemory(): Promise<boolean> {
    const stats = await this.instance.stats().catch(() => undefined);
    return (stats?.oomKills ?? 0) > 0;
  }
}
