import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { ProcessEvents, World } from '../terminal/world.ts';

/** Ends a call because the user or the system asked for it. */
export class Interrupted extends FsbError {
  /** 128 + signal. */
  readonly code128: number;

  constructor(code128: number) {
    super('cancelled', 'interrupted');
    this.name = 'Interrupted';
    this.code128 = code128;
  }

  override get exitCode(): number {
    return this.code128;
  }
}

/**
 * All that somebody or a limit may end a process with and Node lets be caught. What died of one of them instead would
 * leave a raw terminal and half-made files behind; and of SIGUSR1, Node would open its debugger for everybody here.
 */
const ENDING = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGXCPU',
] as const satisfies NodeJS.Signals[];

/** With the exit code of each. */
export const STOPPING: [NodeJS.Signals, number][] = ENDING.map((name) => [
  name,
  128 + constants.signals[name],
]);

const FROM_KEYS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * Turns the first signal that would end the process into an aborted one, and a second one into an immediate exit, for a
 * call that does not come back.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #events: ProcessEvents;
  readonly #listeners: [NodeJS.Signals, () => void][];
  #timer: () => void = () => {};

  constructor(world: Pick<World, 'events' | 'forceExit'>) {
    this.#events = world.events;
    // Every call of the core listens to it, and there is one for each name on the line: that is no leak.
    setMaxListeners(0, this.signal);
    this.#listeners = STOPPING.map(([name, code]) => [
      name,
      () => {
        if (this.signal.aborted) world.forceExit(code);
        else this.end(code);
      },
    ]);
    for (const [name, listener] of this.#listeners) this.#events.on(name, listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts as for a signal. @param code 128 + signal */
  end(code: number): void {
    this.#controller.abort(new Interrupted(code));
  }

  /** Aborts after so many milliseconds with a `timeout`. */
  limit(ms: number, clock: World['clock'], text: string): void {
    this.#timer = clock.after(ms, () =>
      this.#controller.abort(
        new FsbError('timeout', `not done within ${text}`, { hint: 'Give it more time with --timeout.' }),
      ),
    );
  }

  /**
   * Until `work` is done, what is typed belongs to a program that holds the terminal: ctrl-C and ctrl-\\ reach the
   * whole foreground group, so they reach this process too, and must neither stop nor end it.
   */
  async whileKeysGoElsewhere<T>(work: () => Promise<T>): Promise<T> {
    const ours = this.#listeners.filter(([name]) => FROM_KEYS.includes(name));
    const ignore = (): void => {};
    for (const name of FROM_KEYS) this.#events.on(name, ignore);
    for (const [name, listener] of ours) this.#events.off(name, listener);
    try {
      return await work();
    } finally {
      for (const [name, listener] of ours) this.#events.on(name, listener);
      for (const name of FROM_KEYS) this.#events.off(name, ignore);
    }
  }

  /** Gives these signals away, to whoever proxies them to a process; without names all of them. */
  release(names?: readonly NodeJS.Signals[]): void {
    for (const [name, listener] of this.#listeners)
      if (names?.includes(name) ?? true) this.#events.off(name, listener);
  }

  /** Idempotent. */
  close(): void {
    this.release();
    this.#timer();
  }
}
