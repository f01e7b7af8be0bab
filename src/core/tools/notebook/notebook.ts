import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { type ExitStatus, signalName } from '../../model/process.ts';
import { formatDuration } from '../../model/quantity.ts';
import { KILL_GRACE } from '../run/run-program.ts';
import { startedWithin } from '../run/started-within.ts';
import { resultWithin, type TimeLimit, timeLimit } from '../run/time-limit.ts';
import type { ToolSandbox } from '../run/tool-sandbox.ts';
import { type CellEnd, Kernel } from './kernel.ts';

/** How a cell ended. */
export type NotebookEnd =
  | ({ kind: 'ended' } & CellEnd)
  /** Our own deadline came first, and everything in the sandbox was killed; what had come out is in the cell. */
  | { kind: 'timeout'; limit: number; cell?: CellEnd['cell'] }
  | { kind: 'not-started'; error: FsbError };

export interface NotebookRun {
  end: NotebookEnd;
  /** No kernel was there that could have kept anything of earlier calls. */
  isNew: boolean;
  /** Why what earlier calls left is lost, when it is known that there was something. */
  lost?: string;
}

export interface NotebookOptions {
  clock: Clock;
  /** Milliseconds after which an unused kernel is ended, so that its sandbox can be reclaimed; 0: never. */
  idle: number;
}

/** The kernel of one sandbox, started when it is needed. One call at a time. */
export class Notebook {
  readonly #clock: Clock;
  readonly #idle: number;
  #kernel: Kernel | undefined;
  #lost: string | undefined;
  #stopWaiting: () => void = () => {};

  constructor({ clock, idle }: NotebookOptions) {
    this.#clock = clock;
    this.#idle = idle;
  }

  /** @param timeout milliseconds @throws the signal's reason, not_found (the sandbox is gone) */
  async run(sandbox: ToolSandbox, code: string, timeout: number, signal: AbortSignal): Promise<NotebookRun> {
    throwIfAborted(signal);
    this.#stopWaiting();
    await this.#noticeEnd();
    const isNew = this.#kernel === undefined;
    const lost = this.#lost;
    this.#lost = undefined;
    const limit = timeLimit(this.#clock, timeout, signal);
    try {
      const end = await this.#runWithin(limit, sandbox, code, timeout);
      throwIfAborted(signal);
      return { end, isNew, ...(isNew && lost !== undefined ? { lost } : {}) };
    } finally {
      limit.cancel();
      this.#waitForUse();
    }
  }

  /** Ends the kernel. Idempotent. */
  async close(): Promise<void> {
    this.#stopWaiting();
    const kernel = this.#kernel;
    this.#kernel = undefined;
    await kernel?.close();
  }

  async #runWithin(
    limit: TimeLimit,
    sandbox: ToolSandbox,
    code: string,
    timeout: number,
  ): Promise<NotebookEnd> {
    const kernel = this.#kernel ?? (await startedWithin(limit, Kernel.start(sandbox, limit)));
    if (kernel instanceof FsbError) return { kind: 'not-started', error: kernel };
    this.#kernel = kernel;
    const running = kernel?.run(code);
    const end = running && (await Promise.race([running, limit.over]));
    if (end) return { kind: 'ended', ...end };
    await sandbox.killAll();
    this.#lost = 'a call before this one was ended, and the kernel with it';
    const killed = running && (await resultWithin(this.#clock, KILL_GRACE, running));
    await this.close();
    return { kind: 'timeout', limit: timeout, ...(killed && { cell: killed.cell }) };
  }

  /** A kernel that ended by itself, or with all that ran in the sandbox. */
  async #noticeEnd(): Promise<void> {
    if (!this.#kernel?.isOver) return;
    this.#lost = `the kernel ended: ${endText(await this.#kernel.ended)}`;
    this.#kernel = undefined;
  }

  #waitForUse(): void {
    if (this.#kernel === undefined || this.#idle === 0) return;
    this.#stopWaiting = this.#clock.after(this.#idle, () => {
      this.#lost = `the kernel was unused for ${formatDuration(this.#idle)}`;
      void this.close();
    });
  }
}

function endText(status: ExitStatus | undefined): string {
  if (status === undefined) return 'its end is not known';
  return status.signal === null ? `exit code ${status.code}` : `killed by ${signalName(status.signal)}`;
}
