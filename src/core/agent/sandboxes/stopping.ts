import type { Logger } from 'pino';
import type { GuestProcess } from '../../guest/guest-channel.ts';
import { withDeadline } from '../../instance/deadline.ts';
import type { Instance } from '../../instance/instance.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { SIGKILL } from '../../model/process.ts';

const SIGTERM = 15;
/** Milliseconds for the guest to end everything, and after that for the runtime. */
const KILL_ANSWER = 1_000;
const KILL_LIMIT = 10_000;

export interface StoppingOptions {
  sandboxId: string;
  instance: Pick<Instance, 'id' | 'wake' | 'kill'>;
  main: Pick<GuestProcess, 'signal'>;
  /** Undefined: SIGTERM. */
  stopSignal: number | undefined;
  isPaused: () => boolean;
  /** It could not be killed: nothing more can be done here. */
  failed: (cause: Error) => void;
  clock: Clock;
  logger: Logger;
}

/** How a sandbox is made to end: the stop signal, SIGKILL, and the kill from outside. */
export class Stopping {
  readonly #options: StoppingOptions;
  /** Monotonic milliseconds; undefined until somebody stops it. */
  #killAt: number | undefined;
  #killed = false;
  #over = false;
  #cancel: () => void = noop;

  constructor(options: StoppingOptions) {
    this.#options = options;
  }

  /** It was killed on purpose. */
  get killed(): boolean {
    return this.#killed;
  }

  /** The stop signal, and SIGKILL after so many milliseconds; a later call may make that sooner, never later. */
  within(grace: number, stopSignal = this.#options.stopSignal): void {
    const { clock, main } = this.#options;
    const killAt = clock.monotonic() + Math.max(0, grace);
    if (this.#over || this.#killed) return;
    if (this.#killAt !== undefined && this.#killAt <= killAt && grace > 0) return;
    if (this.#killAt === undefined && grace > 0) {
      main.signal(stopSignal ?? SIGTERM, 'process');
      this.thaw();
    }
    this.#killAt = killAt;
    this.#cancel();
    if (grace <= 0) this.kill();
    else this.#cancel = clock.after(grace, () => this.kill());
  }

  /** SIGKILL to everything, now. */
  kill(): void {
    if (this.#over) return;
    this.#killed = true;
    this.#options.main.signal(SIGKILL);
    this.thaw();
    this.#cancel();
    // A guest that does not even deliver SIGKILL any more (frozen, or not ours any more) is ended from outside.
    this.#cancel = this.#options.clock.after(KILL_ANSWER, () => void this.#killFromOutside());
  }

  /** It has ended. */
  over(): void {
    this.#over = true;
    this.#cancel();
  }

  /** A frozen guest delivers no signal. When it cannot be thawed, the kill from outside finds a way, or tells. */
  thaw(): void {
    if (this.#options.isPaused()) this.#options.instance.wake().catch(noop);
  }

  /** What cannot be killed is given back all the same: who deletes it must not wait for ever. */
  async #killFromOutside(): Promise<void> {
    const { clock, logger, instance, sandboxId, failed } = this.#options;
    try {
      await withDeadline(clock, KILL_LIMIT, `killing instance ${instance.id}`, instance.kill());
    } catch (error) {
      logger.error({ err: error, sandbox: sandboxId }, 'cannot kill a sandbox');
      failed(FsbError.from(error));
    }
  }
}
