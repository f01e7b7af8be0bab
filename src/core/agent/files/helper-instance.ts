import type { Logger } from 'pino';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import type { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import type { HeldInstance, Holder } from '../pools/held-instance.ts';
import { Execs } from '../processes/execs.ts';
import { MemoryKills } from '../processes/memory-kills.ts';
import { watchedSession } from '../processes/watched-session.ts';

/** Milliseconds for which it stays after the last tool: a copy looks first, and copies then. */
const LINGER = 1_000;

export interface HelperInstanceOptions {
  /** Whose files it has. */
  sandboxId: string;
  /** As people see its holder. */
  name: string;
  boot: (holder: Holder, signal: AbortSignal) => Promise<HeldInstance>;
  /** Why a tool fails when its pool is emptied by force. */
  drained: FsbError;
  clock: Clock;
  log: Logger;
}

/** A short-lived instance on the files of a sandbox that has ended, for all the tools that run on them at one time. */
export class HelperInstance {
  /** Resolves when it is given back, however it ended; the files stay. */
  readonly gone: Promise<void>;
  readonly #options: HelperInstanceOptions;
  readonly #abort = new AbortController();
  readonly #ready: Promise<{ held: HeldInstance; execs: Execs }>;
  #beginLeaving!: () => void;
  #leaving = false;
  #tools = 0;
  #lingers = true;
  #stopLingering: () => void = noop;
  #why: FsbError | undefined;

  constructor(options: HelperInstanceOptions) {
    this.#options = options;
    const { name, drained, boot } = options;
    const holder: Holder = { name, end: () => this.end(drained), lost: () => this.#leave() };
    this.#ready = boot(holder, this.#abort.signal).then((held) => ({ held, execs: execsIn(held) }));
    this.#ready.catch(() => this.#leave());
    const leaving = new Promise<void>((resolve) => {
      this.#beginLeaving = resolve;
    });
    this.gone = leaving.then(() => this.#giveBack());
  }

  /** It takes no more tools. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** @throws what its boot failed with, why it was ended, run_failed, cancelled */
  async exec(request: ExecRequest, signal?: AbortSignal): Promise<ProcessSession> {
    this.#tools += 1;
    this.#stopLingering();
    try {
      const { execs } = await abortable(this.#ready, signal);
      const session = await execs.start(request, signal);
      return watchedSession(session, { over: () => this.#toolIsOver(), why: () => this.#why });
    } catch (error) {
      this.#toolIsOver();
      throw this.#why ?? error;
    }
  }

  /** As soon as no tool runs; resolves as `gone`. */
  finish(): Promise<void> {
    this.#lingers = false;
    if (this.#tools === 0) this.#leave();
    return this.gone;
  }

  /** At once; resolves as `gone`. */
  end(why: FsbError): Promise<void> {
    this.#why ??= why;
    this.#abort.abort(why);
    this.#leave();
    return this.gone;
  }

  #toolIsOver(): void {
    this.#tools -= 1;
    if (this.#tools > 0 || this.#leaving) return;
    if (!this.#lingers) this.#leave();
    else this.#stopLingering = this.#options.clock.after(LINGER, () => this.#leave());
  }

  #leave(): void {
    this.#leaving = true;
    this.#stopLingering();
    this.#beginLeaving();
  }

  async #giveBack(): Promise<void> {
    const { sandboxId, log } = this.#options;
    const ready = await this.#ready.catch(noop);
    await ready?.held
      .giveBack({ destroy: true, filesFor: sandboxId })
      .catch((error) => log.error({ err: error, sandbox: sandboxId }, 'cannot give a helper instance back'));
  }
}

/** Tools take nothing from where they run. */
const execsIn = ({ instance }: HeldInstance): Execs =>
  new Execs({
    channel: instance.channel,
    surroundings: { env: {}, cwd: '', user: '' },
    kills: new MemoryKills(instance, true),
  });
