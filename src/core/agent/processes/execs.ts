import type { ExecRequest } from '../../api/sandbox-api.ts';
import type { GuestChannel, GuestProcess } from '../../guest/guest-channel.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { type ExitStatus, type ProcessSession, SIGKILL } from '../../model/process.ts';
import type { Surroundings } from '../ledger/records.ts';
import { assertDirectory } from './assert-directory.ts';
import { execProcess } from './exec-process.ts';
import { execSession } from './exec-session.ts';
import { beginUnseen, endUnseen } from './lost-command.ts';
import type { MemoryKills } from './memory-kills.ts';
import { watchedSession } from './watched-session.ts';

export interface ExecsOptions {
  channel: Pick<GuestChannel, 'spawn' | 'resume' | 'known'>;
  /** What every exec starts from. */
  surroundings: Surroundings;
  /** Every exec tells how it ended. */
  ended?: (status: ExitStatus) => void;
  /** The number of those that run has changed. */
  changed?: () => void;
  /** Whether the instance was given back: what runs then ends unseen. */
  over?: () => boolean;
  /**
   * Its name, of a sandbox: there the directory that a request names must be there. Left out, it is made when it is missing:
   * those of a lease begin with nothing of their own.
   */
  sandbox?: () => string;
  /** Left out: no exec is told that it ran out of memory. */
  kills?: MemoryKills;
}

/** The further processes of one holder's time in one instance. */
export class Execs {
  readonly #options: ExecsOptions;
  /** Ids are never used twice by one holder, so that a late frame cannot reach the wrong process. */
  #nextId: number;
  #running = 0;

  /** @param reserved ids up to this one are not for execs */
  constructor(options: ExecsOptions, reserved = 0) {
    this.#options = options;
    this.#nextId = Math.max(reserved, ...options.channel.known.map(({ id }) => id)) + 1;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * @param recorded see execSession()
   * @throws command_not_found (the directory, too), not_executable, run_failed
   */
  async start(request: ExecRequest, signal?: AbortSignal, recorded?: Promise<void>): Promise<ProcessSession> {
    const { channel, surroundings, sandbox } = this.#options;
    if (request.cwd !== '' && !request.guestTool && sandbox !== undefined)
      await assertDirectory(request.cwd, (look, until) => this.start(look, until), sandbox(), signal);
    this.#count(1);
    try {
      const process = await channel.spawn(this.#nextId++, execProcess(surroundings, request), signal);
      failpoint('exec.spawned');
      const session = this.#watch(process, recorded);
      return request.guestTool ? endedWithCaller(session) : session;
    } catch (error) {
      this.#count(-1);
      throw sandbox === undefined ? error : beginUnseen(error, sandbox());
    }
  }

  /** Nobody waits for the output of an exec of an earlier core; the process must not be held back by it. */
  async letRun(reserved = 0): Promise<void> {
    for (const { id, retained } of this.#options.channel.known) {
      if (id <= reserved) continue;
      this.#count(1);
      await this.#watch(this.#options.channel.resume(id, retained)).close();
    }
  }

  #watch(process: GuestProcess, recorded?: Promise<void>): ProcessSession {
    const exited = this.#outcome(process);
    exited
      .then(
        (status) => this.#options.ended?.(status),
        () => {},
      )
      .finally(() => this.#count(-1));
    const session = execSession(process, exited, recorded);
    const { sandbox } = this.#options;
    if (sandbox === undefined) return session;
    return watchedSession(session, { over: noop, why: (error) => endUnseen(error, sandbox()) });
  }

  /** @throws run_failed when nobody will ever know */
  async #outcome({ exited }: GuestProcess): Promise<ExitStatus> {
    const { kills, over } = this.#options;
    const before = kills?.known ?? 0;
    try {
      const status = await exited;
      failpoint('exec.ended');
      return kills === undefined ? status : await kills.judged(status, before);
    } catch (cause) {
      if (!over?.()) throw cause;
      const why = 'the instance was given back before the command had ended';
      throw new FsbError('run_failed', why, { cause });
    }
  }

  #count(change: 1 | -1): void {
    this.#running += change;
    this.#options.changed?.();
  }
}

/** A tool is nothing without whoever asked for it. */
function endedWithCaller(session: ProcessSession): ProcessSession {
  const close = (): Promise<void> => {
    session.signal(SIGKILL);
    return session.close();
  };
  return { ...session, close, [Symbol.asyncDispose]: close };
}
