import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { RecordTable } from '../../store/store.ts';
import type { SlotEnd, SlotRecord } from '../ledger/records.ts';
import type { Unsettled } from '../recovery/unsettled.ts';
import { ExpectedReaders } from './expected-readers.ts';
import { SandboxRun } from './sandbox-run.ts';
import type { SandboxParts } from './start-sandbox.ts';

interface LiveSandboxesOptions {
  unsettled: Pick<Unsettled, 'reasonOf'>;
  slots: RecordTable<SlotRecord>;
  clock: Clock;
  log: Logger;
  /** A sandbox has ended, and that is on record, or was told to `unrecorded`. */
  ended: (sandboxId: string, slot: SlotRecord) => void;
  /** A sandbox has ended, and nobody waits until that can be recorded. */
  unrecorded: (sandboxId: string, end: SlotEnd) => void;
}

/** The sandboxes of this node that run, each until its instance is given back. */
export class LiveSandboxes {
  readonly #options: LiveSandboxesOptions;
  readonly #runs = new Map<string, SandboxRun>();
  /** Instances on their way out, by the sandbox that had them: until then it is not gone. */
  readonly #leaving = new Map<string, Promise<void>>();
  #detached = false;

  constructor(options: LiveSandboxesOptions) {
    this.#options = options;
  }

  has(sandboxId: string): boolean {
    return this.#runs.has(sandboxId);
  }

  get(sandboxId: string): SandboxRun | undefined {
    return this.#runs.get(sandboxId);
  }

  /** Takes a running sandbox into care until its end: a new one, or one that recovery found. */
  takeUp(parts: SandboxParts): SandboxRun {
    const { slots, clock, log: logger, ended, unrecorded } = this.#options;
    const { sandboxId } = parts;
    const run = new SandboxRun({
      ...{ ...parts, clock, logger },
      record: (changed) => slots.put(sandboxId, changed, { fromReserve: changed.end !== undefined }),
      unrecorded: (end) => unrecorded(sandboxId, end),
    });
    if (parts.awaited) run.pump.expect(new ExpectedReaders(parts.log.kept, clock));
    this.#runs.set(sandboxId, run);
    void run.ended.then((end) => {
      if (this.#detached) return;
      this.#runs.delete(sandboxId);
      ended(sandboxId, { ...run.slot, end });
    });
    this.leave(sandboxId, run.gone);
    return run;
  }

  /** The sandbox may have ended by itself long before someone asks whether it is gone. */
  leave(sandboxId: string, gone: Promise<void>): void {
    this.#leaving.set(sandboxId, gone);
    gone
      .catch((error) =>
        this.#options.log.error({ err: error, sandbox: sandboxId }, 'cannot destroy an instance'),
      )
      .finally(() => this.#leaving.delete(sandboxId));
  }

  /** As SandboxRun.gone. */
  async leaving(sandboxId: string): Promise<void> {
    await this.#leaving.get(sandboxId);
  }

  /** @throws conflict (not running, paused), unavailable */
  awake(sandboxId: string): SandboxRun {
    const run = this.running(sandboxId);
    if (!run.slot.paused) return run;
    throw new FsbError('conflict', 'the sandbox is paused', {
      hint: 'Let it go on first with: fsb-ctl unpause NAME',
    });
  }

  /** @throws conflict (not running), unavailable */
  running(sandboxId: string): SandboxRun {
    const run = this.#runs.get(sandboxId);
    if (run) return run;
    this.assertSettled(sandboxId);
    throw new FsbError('conflict', 'the sandbox is not running', { hint: 'See why with: fsb-ctl get NAME' });
  }

  /** @throws unavailable: it runs, and this core cannot reach it yet */
  assertSettled(sandboxId: string): void {
    const reason = this.#options.unsettled.reasonOf(sandboxId);
    if (reason === undefined) return;
    throw new FsbError('unavailable', `the sandbox runs, but the core cannot reach it yet: ${reason}`, {
      hint: 'See what the core waits for with: fsb-ctl doctor',
    });
  }

  /** Their ends are no news of this core from here on. */
  letGo(): void {
    this.#detached = true;
  }

  /** Leaves each of them running. */
  async detach(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.detach()));
  }
}
