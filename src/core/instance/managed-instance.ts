import { Ending } from '../guest/ending.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import { ProtocolError } from '../guest/protocol/protocol-error.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { Resources, Shape } from '../model/sandbox/shape.ts';
import type { GuestTally } from '../model/tally.ts';
import type { BootedInstance, InstanceStats, RuntimeDriver } from '../runtime/driver.ts';
import { withDeadline } from './deadline.ts';
import type { Instance, InstanceState } from './instance.ts';
import { scrubGuest } from './scrub.ts';
import { instanceTransition } from './transitions.ts';

/** Milliseconds that one call of the driver may take before the instance is given up. */
export interface InstanceLimits {
  /** pause and resume */
  control: number;
  /** From SIGKILL to the end of PID 1. */
  kill: number;
  /** From SIGKILL to the proof that only PID 1 is left. */
  scrub: number;
  /** destroy of the driver */
  destroy: number;
}

export const defaultInstanceLimits: InstanceLimits = {
  control: 10_000,
  kill: 5_000,
  scrub: 5_000,
  // Above what the launcher itself takes at most: its own error says more than that it took too long.
  destroy: 35_000,
};

const IN_FLIGHT_LIMIT = 1_000;

export interface ManagedInstanceOptions {
  driver: RuntimeDriver;
  channel: GuestChannel;
  booted: BootedInstance;
  shape: Shape;
  clock: Clock;
  limits?: Partial<InstanceLimits>;
  tally?: GuestTally;
  /** What it is already: an adopted instance may be claimed. */
  state: 'idle' | 'claimed';
}

/** The one implementation of Instance; `bootInstance` and `adoptInstance` make it. */
export class ManagedInstance implements Instance {
  readonly id: string;
  readonly shape: Shape;
  readonly channel: GuestChannel;
  readonly channelPath: string;
  readonly pid: number;
  readonly pidStartTime: number;
  readonly #ending = new Ending();
  readonly #driver: RuntimeDriver;
  readonly #clock: Clock;
  readonly #limits: InstanceLimits;
  readonly #tally: GuestTally | undefined;
  #state: InstanceState = 'booting';
  #cause: Error | undefined;
  #detached = false;
  /** Its end was asked for. */
  #killed = false;
  #busy: Promise<void> | undefined;
  #destroying: Promise<void> | undefined;

  constructor(options: ManagedInstanceOptions) {
    this.id = options.booted.id;
    this.shape = options.shape;
    this.channel = options.channel;
    this.channelPath = options.booted.channelPath;
    this.pid = options.booted.pid;
    this.pidStartTime = options.booted.pidStartTime;
    this.#driver = options.driver;
    this.#clock = options.clock;
    this.#tally = options.tally;
    this.#limits = options.limits ? { ...defaultInstanceLimits, ...options.limits } : defaultInstanceLimits;
    this.#moveTo('idle');
    if (options.state === 'claimed') this.#moveTo('claimed');
    this.channel.onClosed((reason) => this.#channelClosed(reason));
  }

  get failed(): Promise<Error> {
    return this.#ending.promise;
  }

  onFailed(listener: (cause: Error) => void): void {
    this.#ending.tell(listener);
  }

  get state(): InstanceState {
    return this.#state;
  }

  claim(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state === 'paused') {
        await this.#control('resume', () => this.#driver.resume(this.id));
        failpoint('idle.thawed');
        this.#assertUsable();
      }
      this.#moveTo('claimed');
    });
  }

  pause(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state === 'paused') return;
      instanceTransition(this.id, this.#state, 'paused');
      await this.#control('pause', () => this.#driver.pause(this.id));
      failpoint('idle.frozen');
      this.#assertUsable();
      this.#moveTo('paused');
    });
  }

  recycle(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state !== 'claimed') throw notClaimed(this.id, this.#state);
      const { scrub: limit } = this.#limits;
      const options = { id: this.id, channel: this.channel, driver: this.#driver, clock: this.#clock, limit };
      await this.#control('scrub', () => scrubGuest(options), limit);
      this.#assertUsable();
      this.#moveTo('idle');
    });
  }

  resume(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state === 'idle') return;
      instanceTransition(this.id, this.#state, 'idle');
      await this.#control('resume', () => this.#driver.resume(this.id));
      this.#assertUsable();
      this.#moveTo('idle');
    });
  }

  suspend(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state === 'suspended') return;
      instanceTransition(this.id, this.#state, 'suspended');
      try {
        await this.#bounded('pause', this.#driver.pause(this.id));
      } catch (error) {
        // Half of it may be frozen.
        await this.#bounded('resume', this.#driver.resume(this.id)).catch(() => undefined);
        throw error;
      }
      this.#assertUsable();
      this.#moveTo('suspended');
    });
  }

  wake(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state === 'claimed') return;
      instanceTransition(this.id, this.#state, 'claimed');
      await this.#bounded('resume', this.#driver.resume(this.id));
      this.#assertUsable();
      this.#moveTo('claimed');
    });
  }

  update(resources: Resources): Promise<void> {
    return this.#exclusive(() => this.#bounded('update', this.#driver.update(this.id, resources)));
  }

  async stats(): Promise<InstanceStats> {
    this.#assertUsable();
    return this.#driver.stats(this.id);
  }

  async kill(): Promise<void> {
    if (this.#state === 'dead') return;
    this.#killed = true;
    await withDeadline(this.#clock, this.#limits.kill, `killing instance ${this.id}`, this.#killAndWait());
  }

  destroy(cause: string): Promise<void> {
    this.#destroying ??= this.#destroy(cause).catch((error) => {
      this.#destroying = undefined;
      throw error;
    });
    return this.#destroying;
  }

  async detach(): Promise<void> {
    if (this.#detached) return;
    this.#detached = true;
    await this.channel.close();
  }

  /** One mutating call at a time, in the order of the calls; without a predecessor it starts at once. */
  #exclusive(work: () => Promise<void>): Promise<void> {
    const run = async (): Promise<void> => {
      this.#assertUsable();
      await work();
    };
    const turn = this.#busy === undefined ? run() : this.#busy.then(run);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#busy === settled) this.#busy = undefined;
      });
    this.#busy = settled;
    return turn;
  }

  /** A sandbox that could not be frozen, thawed or scrubbed is in an unknown state: it is of no use to anybody. */
  async #control(
    what: string,
    call: () => Promise<void>,
    limit: number = this.#limits.control,
  ): Promise<void> {
    try {
      await withDeadline(this.#clock, limit, `${what} of instance ${this.id}`, call());
    } catch (error) {
      const reason = FsbError.from(error).message;
      const failure = new FsbError('run_failed', `cannot ${what} instance ${this.id}: ${reason}`, {
        cause: error,
      });
      this.#fail(failure);
      this.destroy(failure.message).catch(() => undefined);
      throw this.#cause;
    }
  }

  #bounded(what: string, call: Promise<void>): Promise<void> {
    return withDeadline(this.#clock, this.#limits.control, `${what} of instance ${this.id}`, call);
  }

  async #killAndWait(): Promise<void> {
    this.channel.foretell(new FsbError('run_failed', 'everything in its sandbox was killed'));
    await this.#driver.kill(this.id);
    // The kernel closes the socket when PID 1 ends; every other process got the same SIGKILL.
    await this.channel.closed;
  }

  async #destroy(cause: string): Promise<void> {
    const end = new FsbError('run_failed', `instance ${this.id} is destroyed: ${cause}`);
    this.#fail(end);
    this.channel.foretell(new FsbError('run_failed', 'its sandbox has ended', { cause: end }));
    if (this.#state !== 'stopping') this.#moveTo('stopping');
    const { control, destroy } = this.#limits;
    // Killing first ends what a hanging pause or a busy guest would hold back; destroy reports what really fails.
    await withDeadline(this.#clock, control, 'kill', this.#driver.kill(this.id)).catch(() => undefined);
    await this.channel.close();
    // A pause that is still under way could freeze what destroy is about to remove.
    if (this.#busy)
      await withDeadline(this.#clock, IN_FLIGHT_LIMIT, 'pause', this.#busy).catch(() => undefined);
    await withDeadline(this.#clock, destroy, `destroying instance ${this.id}`, this.#driver.destroy(this.id));
    this.#moveTo('dead');
  }

  #channelClosed(reason: Error): void {
    if (this.#detached) return;
    this.#count(reason);
    this.#fail(
      new FsbError('run_failed', `instance ${this.id} is lost: ${reason.message}`, { cause: reason }),
    );
  }

  /** A guest that nobody wanted to end. */
  #count(reason: Error): void {
    if (this.#tally === undefined || this.#killed || this.#cause !== undefined) return;
    this.#tally.lost += 1;
    if (reason instanceof ProtocolError) this.#tally.violations += 1;
  }

  #fail(cause: Error): void {
    this.#cause ??= cause;
    this.#ending.happen(this.#cause);
  }

  #assertUsable(): void {
    if (this.#cause) throw this.#cause;
    if (this.#detached) throw new FsbError('unavailable', `this core has let go of instance ${this.id}`);
  }

  #moveTo(state: InstanceState): void {
    this.#state = instanceTransition(this.id, this.#state, state);
  }
}

const notClaimed = (id: string, state: InstanceState): FsbError =>
  new FsbError('conflict', `instance ${id} cannot be recycled: it is ${state}`);
