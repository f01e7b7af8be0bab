import type { Logger } from 'pino';
import type { GuestProcess } from '../../guest/guest-channel.ts';
import type { LogWriter } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import type { StreamName } from '../../model/process.ts';
import { MainPump } from './main-pump.ts';
import { Persistence } from './persistence.ts';

/** Milliseconds for which a process waits for its log to be writable again; then it goes on without one. */
const PATIENCE = 10_000;

type Offsets = Readonly<Record<StreamName, number>>;

export interface MainOutputParts {
  main: GuestProcess;
  log: LogWriter;
  clock: Clock;
  /** Names the sandbox in each line. */
  logger: Logger;
  /** Fires when nothing here is worth waiting for any more. */
  letGo: AbortSignal;
  complain: (error: unknown, what: string) => void;
}

/** What the main process of a sandbox says, until that is all: to whoever is attached, and to its log, which is closed then. */
export class MainOutput {
  readonly pump: MainPump;
  readonly #parts: MainOutputParts;
  readonly #writes: Persistence;

  constructor(parts: MainOutputParts) {
    const { main, log, clock, logger, letGo } = parts;
    this.#parts = parts;
    const exit = new AbortController();
    main.exited.catch(noop).finally(() => exit.abort());
    this.#writes = new Persistence({
      ...{ clock, log: logger, what: 'the log of a sandbox' },
      ...{ hurry: exit.signal, stop: letGo, patience: PATIENCE },
    });
    this.pump = new MainPump(main, log, this.#writes);
  }

  /** Bytes of both streams that are in the log. */
  get logged(): number {
    const { stdout, stderr } = this.#parts.log.offsets;
    return stdout + stderr;
  }

  /** Bytes of each stream that its log is to have now. @param begin those that were there before */
  said(begin: Offsets = { stdout: 0, stderr: 0 }): Offsets {
    const { stdout, stderr } = this.pump.ends;
    return { stdout: begin.stdout + stdout, stderr: begin.stderr + stderr };
  }

  /** When it last said something, wall clock milliseconds. */
  get time(): number {
    return this.#parts.log.time;
  }

  /** @param isAll nothing more is to come: the log is marked as complete. What it lacks is told, and what fails */
  async close(isAll: boolean): Promise<void> {
    const { log, logger, complain } = this.#parts;
    if (isAll) {
      const { missing } = this.pump;
      if (missing > 0) logger.error({ missing }, 'output is missing in a log: it could not be written');
      await this.#writes
        .insist(() => log.end(this.pump.ends))
        .catch((error) => complain(error, 'cannot mark a log as complete'));
    }
    await log.close().catch((error) => complain(error, 'cannot close a log'));
  }
}
