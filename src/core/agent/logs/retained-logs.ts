import type { Logger } from 'pino';
import { z } from 'zod';
import type { LogStore } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { type Deadline, Expiry } from '../../model/expiry.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { isIdStart } from '../../model/ids.ts';
import { refKey, type SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { RecordTable } from '../../store/store.ts';

/** Bytes of all together; the oldest go first. */
const MOST = 1024 ** 3;
/** Bytes that each counts for at least, so that their number is bounded, too. */
const LEAST = 64 * 1024;
/** Milliseconds until one that could not be removed is tried again. */
const RETRY = 60_000;

/** The log of a deleted sandbox, by the id of that. */
export interface RetainedLog extends SandboxRef {
  /** Grows from one deletion to the next: the wall clock may go back. */
  order: number;
  /** Bytes. */
  size: number;
  /** Wall clock, milliseconds. */
  deletedAt: number;
  /** Milliseconds from then on. */
  retention: number;
}

export const RETAINED_LOG_VERSION = 1;

const schema = z.looseObject({
  ...{ namespace: z.string(), name: z.string(), order: z.number(), size: z.number() },
  ...{ deletedAt: z.number(), retention: z.number() },
});
export const isRetainedLog = (value: unknown): boolean => schema.safeParse(value).success;

export interface RetainedLogsOptions {
  table: RecordTable<RetainedLog>;
  logs: Pick<LogStore, 'size' | 'remove'>;
  /** Milliseconds; 0: the log of a sandbox goes with it. */
  retention: number;
  clock: Clock;
  log: Logger;
  /** Bytes. Default 1 GiB. */
  most?: number;
}

/**
 * The logs of deleted sandboxes, each for its time. A record says that a log is retained: written before the sandbox is
 * forgotten, and removed before the log, which without one is nobody's and goes with the next start.
 */
export class RetainedLogs {
  readonly #options: RetainedLogsOptions;
  /** Oldest first. */
  readonly #known: Map<string, RetainedLog>;
  readonly #expiry: Expiry;
  #closed = false;

  /** One whose time was over while no core ran goes at once. */
  constructor(options: RetainedLogsOptions) {
    this.#options = options;
    this.#known = new Map([...options.table.entries()].sort(([, a], [, b]) => a.order - b.order));
    this.#expiry = new Expiry(options.clock, (id) => void this.#drop(id).catch(noop));
    this.#expiry.setAll([...this.#known].map(([id, retained]) => [id, this.#endOf(retained)]));
  }

  /** By the ids of their sandboxes, oldest first. */
  entries(): [string, RetainedLog][] {
    return [...this.#known];
  }

  get(sandboxId: string): RetainedLog | undefined {
    return this.#known.get(sandboxId);
  }

  /** See AgentApi.retainedLog. @throws conflict */
  find(ref: SandboxRef): string | undefined {
    const all = [...this.#known];
    const named = all.findLast(([, retained]) => refKey(retained) === refKey(ref));
    if (named !== undefined || !isIdStart(ref.name)) return named?.[0];
    const found = all.filter(([id, { namespace }]) => namespace === ref.namespace && id.startsWith(ref.name));
    if (found.length < 2) return found[0]?.[0];
    throw new FsbError('conflict', `several deleted sandboxes have an id that begins with ${ref.name}`, {
      hint: 'Give more of the id. See them with: fsb-ctl system df -v --no-trunc',
    });
  }

  /**
   * Retains the log of a sandbox that is being deleted. Idempotent.
   * @returns false when it is to go: nothing is retained, or written in it, or it cannot be recorded; a disk that is
   * full must not keep anybody from deleting
   */
  async keep(sandboxId: string, ref: SandboxRef): Promise<boolean> {
    const isKept = this.#known.has(sandboxId) || (await this.#keepAnew(sandboxId, ref));
    // Also of one that was kept before: the core may have been killed before there was room.
    if (isKept) await this.#makeRoom();
    return isKept;
  }

  async #keepAnew(sandboxId: string, { namespace, name }: SandboxRef): Promise<boolean> {
    const { table, logs, retention, clock, log } = this.#options;
    if (retention === 0) return false;
    try {
      const size = await logs.size(sandboxId);
      if (size === 0) return false;
      const order = 1 + ([...this.#known.values()].at(-1)?.order ?? 0);
      const retained = { namespace, name, order, size, deletedAt: clock.now(), retention };
      this.#known.set(sandboxId, retained);
      await table.put(sandboxId, retained);
      failpoint('retain.recorded');
      this.#expiry.set(sandboxId, this.#endOf(retained));
    } catch (error) {
      this.#known.delete(sandboxId);
      log.error({ err: error, sandbox: sandboxId }, 'cannot retain the log of a deleted sandbox');
      return false;
    }
    return true;
  }

  /** Before its time; one that is not retained is fine. @throws what the disk says: then it is tried again later */
  async remove(sandboxId: string): Promise<void> {
    if (this.#known.has(sandboxId)) await this.#drop(sandboxId);
  }

  /** No more timers: what is due is left to the next core. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#expiry.close();
  }

  async #makeRoom(): Promise<void> {
    const { most = MOST } = this.#options;
    let total = [...this.#known.values()].reduce((sum, retained) => sum + countedOf(retained), 0);
    for (const [id, retained] of [...this.#known]) {
      if (total <= most) return;
      total -= countedOf(retained);
      await this.#drop(id).catch(noop);
    }
  }

  async #drop(sandboxId: string): Promise<void> {
    const { table, logs, clock, log } = this.#options;
    this.#known.delete(sandboxId);
    this.#expiry.set(sandboxId, undefined);
    try {
      await table.remove(sandboxId);
      failpoint('retain.forgotten');
      await logs.remove(sandboxId);
    } catch (error) {
      if (!this.#closed) {
        log.error({ err: error, sandbox: sandboxId }, 'cannot remove a retained log; it will be tried again');
        this.#expiry.set(sandboxId, { monotonic: clock.monotonic() + RETRY });
      }
      throw error;
    }
  }

  /** From now on no jump of the wall clock counts; one while no core ran cannot make it longer than it is. */
  #endOf({ deletedAt, retention }: RetainedLog): Deadline {
    const { clock } = this.#options;
    const left = Math.min(Math.max(0, deletedAt + retention - clock.now()), retention);
    return { monotonic: clock.monotonic() + left };
  }
}

const countedOf = ({ size }: RetainedLog): number => Math.max(size, LEAST);
