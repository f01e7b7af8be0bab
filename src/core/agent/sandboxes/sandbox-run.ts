import type { Logger } from 'pino';
import type { AgentStopOptions } from '../../api/agent-api.ts';
import type { GuestProcess } from '../../guest/guest-channel.ts';
import type { Instance } from '../../instance/instance.ts';
import type { LogWriter } from '../../logs/log-store.ts';
import { Latch } from '../../model/async/latch.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { type ExitStatus, SIGKILL } from '../../model/process.ts';
import type { SlotEnd, SlotRecord } from '../ledger/records.ts';
import type { HeldInstance } from '../pools/held-instance.ts';
import { Execs } from '../processes/execs.ts';
import { MemoryKills } from '../processes/memory-kills.ts';
import { EndRecord, notEnded } from './end-record.ts';
import { LiveChanges } from './live-changes.ts';
import { LiveSlot } from './live-slot.ts';
import { MainInput } from './main-input.ts';
import { MainOutput } from './main-output.ts';
import type { MainPump } from './main-pump.ts';
import { MemoryVerdict } from './memory-verdict.ts';
import { outcome } from './outcome.ts';
import { Stopping } from './stopping.ts';

/** Milliseconds that whoever wants it gone waits for output, when it has ended. */
const OUTPUT_PATIENCE = 5_000;

export interface SandboxRunOptions {
  sandboxId: string;
  slot: SlotRecord;
  held: Pick<HeldInstance, 'instance' | 'giveBack' | 'resize'>;
  main: GuestProcess;
  log: LogWriter;
  clock: Clock;
  logger: Logger;
  /** Makes what is known of it durable; of an end, the guest is told to forget the process only after that. */
  record: (slot: SlotRecord) => Promise<void>;
  /** Of one whose end nobody waits for to be recorded any more, and is not. */
  unrecorded: (end: SlotEnd) => void;
}

/**
 * One sandbox while it has an instance: main process, log, attached readers, end.
 *
 * `ended` resolves when the main process is gone, its output is in the log, or that was tried for long enough, and the
 * end is recorded, or will not be; it never rejects. `gone` resolves when its pool has the instance no more, has it idle again, or
 * could not destroy it at the first try: then it is the pool's to try again (Pool.stuck). It rejects when it could not
 * be given back.
 */
export class SandboxRun {
  readonly sandboxId: string;
  readonly #slot: LiveSlot;
  readonly instance: Instance;
  readonly main: GuestProcess;
  readonly pump: MainPump;
  readonly input: MainInput;
  readonly execs: Execs;
  readonly changes: LiveChanges;
  readonly ended: Promise<SlotEnd>;
  readonly gone: Promise<void>;
  readonly #options: SandboxRunOptions;
  readonly #memory: MemoryVerdict;
  readonly #output: MainOutput;
  readonly #endRecord: EndRecord;
  /** Fires when somebody wants it gone. */
  readonly #unwanted = new AbortController();
  /** Fires when nothing here is worth waiting for any more. */
  readonly #letGo = new AbortController();
  /** Rejects when the main process could not be killed. */
  readonly #abandoned: Promise<never>;
  #abandon!: (cause: Error) => void;
  readonly #stopping: Stopping;
  readonly #over = new Latch();
  #detached = false;
  #keepsFiles = true;

  constructor(options: SandboxRunOptions) {
    this.#options = options;
    const { main, held, log, clock, logger, slot, sandboxId } = options;
    const { instance } = held;
    const letGo = this.#letGo.signal;
    const complain = (error: unknown, what: string): void => this.#complain(error, what);
    this.sandboxId = sandboxId;
    this.#slot = new LiveSlot(slot, options.record);
    this.changes = new LiveChanges({ slot: this.#slot, held, clock, log: logger, letGo, complain });
    this.instance = instance;
    this.main = main;
    this.#memory = new MemoryVerdict(instance, main, slot.earlierKills);
    this.#abandoned = new Promise((_, reject) => {
      this.#abandon = (cause) => {
        this.#leave();
        reject(cause);
      };
    });
    this.#abandoned.catch(noop);
    this.#stopping = new Stopping({
      ...{ sandboxId, instance, main, clock, logger, stopSignal: slot.stopSignal },
      isPaused: () => this.slot.paused === true,
      failed: (cause) => this.#abandon(cause),
    });
    const named = logger.child({ sandbox: sandboxId });
    this.#endRecord = new EndRecord({ clock, log: named });
    this.#output = new MainOutput({ main, log, clock, logger: named, letGo, complain });
    this.pump = this.#output.pump;
    this.input = new MainInput({ main, slot: this.#slot, clock, complain });
    const { channel } = instance;
    const ended = (status: ExitStatus): void => void this.#memory.execEnded(status);
    const fresh = slot.earlierKills === undefined && channel.known.length === 0;
    const kills = new MemoryKills(instance, fresh);
    const surroundings = slot.process;
    const sandbox = (): string => this.name;
    this.execs = new Execs({ channel, surroundings, sandbox, ended, kills }, main.id);
    this.ended = this.#watch().finally(() => this.#over.open());
    this.gone = this.ended.then(() => (this.#detached ? undefined : this.#giveBack()));
  }

  #giveBack(): Promise<void> {
    const filesFor = this.#keepsFiles ? this.sandboxId : undefined;
    return this.#options.held.giveBack({ destroy: this.changes.resized, filesFor });
  }

  /** As `ended`, for those who come and go while it runs: nothing is kept of who has left. @throws the signal's reason */
  async endedOr(left: AbortSignal): Promise<SlotEnd> {
    await this.#over.wait(left);
    return this.ended;
  }

  get slot(): SlotRecord {
    return this.#slot.now;
  }

  /** Without its namespace. */
  get name(): string {
    return this.slot.claimName.split('/').at(-1)!;
  }

  /** Bytes of both streams of its process that are in the log. */
  get logged(): number {
    return this.#output.logged;
  }

  /**
   * To the main process alone: what becomes of its children is its own affair, until they end with the instance. One that
   * is frozen gets it when it goes on, SIGKILL at once.
   */
  signal(signal: number): void {
    if (signal === SIGKILL) this.#stopping.kill();
    else this.main.signal(signal, 'process');
  }

  /**
   * The stop signal, if not named that of its image, to the main process, after `grace` milliseconds SIGKILL to everything; a later call
   * may make that sooner. Resolves when it has ended, or could not be killed.
   * @throws when that cannot be recorded: nothing in it runs any more, and it ends when there is a record. Not where
   * nothing of it is to be kept.
   */
  async stop({ grace, stopSignal, keepFiles }: AgentStopOptions): Promise<void> {
    if (!keepFiles) {
      this.#keepsFiles = false;
      this.#endRecord.giveUp();
    }
    this.#unwanted.abort();
    this.#stopping.within(grace, stopSignal);
    try {
      await Promise.race([this.ended, this.#endRecord.hurry()]);
    } catch (error) {
      this.instance.channel.signalAll(SIGKILL);
      throw notEnded(this.slot.claimName, error);
    }
  }

  /** Lets go and leaves the sandbox running: neither its log nor its record learns of an end. */
  async detach(): Promise<void> {
    this.#detached = true;
    await this.instance.detach();
    this.#leave();
    await this.ended;
  }

  #leave(): void {
    this.#letGo.abort();
    this.#endRecord.giveUp();
  }

  async #watch(): Promise<SlotEnd> {
    const pumping = this.pump.run().catch((error) => this.#complain(error, 'lost the output of a sandbox'));
    const seen = await outcome({
      ...{ main: this.main, clock: this.#options.clock, memory: this.#memory },
      ...{ abandoned: this.#abandoned, stopping: this.#stopping },
    });
    failpoint('end.seen');
    this.#stopping.over();
    this.input.close();
    await this.#drained(pumping);
    failpoint('end.drained');
    // Its last words may have come after its exit was heard of: nothing is said after the end.
    const said = this.#output.said(this.slot.logBegin);
    const end = { ...seen, at: Math.max(seen.at, this.#output.time), said };
    await this.#output.close(!this.#detached);
    failpoint('end.logged');
    if (!this.#detached) await this.#recordEnd(end);
    return end;
  }

  /** The last output of one that has ended: what its guest never sends keeps nobody from deleting it. */
  async #drained(pumping: Promise<void>): Promise<void> {
    const { signal } = this.#unwanted;
    let cancel = noop;
    const limit = (): void => {
      // A frozen guest sends nothing.
      this.#stopping.thaw();
      cancel = this.#options.clock.after(OUTPUT_PATIENCE, () => this.pump.stop());
    };
    if (signal.aborted) limit();
    else signal.addEventListener('abort', limit, { once: true });
    await Promise.race([pumping, this.#abandoned]).catch(noop);
    signal.removeEventListener('abort', limit);
    cancel();
  }

  /** Without a record, the guest must go on to know how it ended: the next core asks it. */
  async #recordEnd(end: SlotEnd): Promise<void> {
    try {
      await this.#endRecord.insist(() => this.#slot.change({ end, paused: undefined }));
      failpoint('end.recorded');
      this.main.acknowledgeExit();
      failpoint('end.acknowledged');
    } catch (error) {
      this.#complain(error, 'cannot record the end of a sandbox');
      if (!this.#detached) this.#options.unrecorded(end);
    }
  }

  #complain(error: unknown, what: string): void {
    if (!this.#detached) this.#options.logger.error({ err: error, sandbox: this.sandboxId }, what);
  }
}
