import { constants } from 'node:os';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';

/** The others that end a process end only this one. */
export const PROXIED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A user who interrupts so often, one soon after the other, wants to get out of here, whatever the process does. */
const INTERRUPTS_THAT_FORCE = 3;
/** Milliseconds between two of them; an interrupt now and then is a way to work. */
const SOON = 3_000;
/** Milliseconds for the last word, which nobody may read. */
const LAST_WORD = 200;

/** For the last word, when the user has forced the way out. */
export interface Leaving {
  /** The command line that shows what may run on. */
  shownBy?: string | undefined;
  /** What becomes of the process. */
  afterwards?: string | undefined;
}

/** Passes our signals on to a process, until the returned function is called (idempotent). */
export function proxySignals(
  send: (signal: number) => void,
  world: Pick<World, 'events' | 'forceExit' | 'clock' | 'terminal'>,
  leaving: Leaving = {},
): () => void {
  let interrupts = 0;
  let last = Number.NEGATIVE_INFINITY;
  const isForced = (): boolean => {
    const now = world.clock.monotonic();
    interrupts = now - last <= SOON ? interrupts + 1 : 1;
    last = now;
    return interrupts >= INTERRUPTS_THAT_FORCE;
  };
  const listeners = PROXIED.map((name) => {
    const listener = (): void => {
      if (name === 'SIGINT' && isForced()) leave(world, leaving);
      else send(constants.signals[name]);
    };
    world.events.on(name, listener);
    return [name, listener] as const;
  });
  return () => {
    for (const [name, listener] of listeners) world.events.off(name, listener);
  };
}

function leave(
  { terminal, clock, forceExit }: Pick<World, 'terminal' | 'clock' | 'forceExit'>,
  { shownBy = 'fsb-ctl list', afterwards }: Leaving,
): void {
  const exit = (): void => forceExit(130);
  const cancel = clock.after(LAST_WORD, exit);
  const words = [
    `Interrupted three times: left. What ran in the sandbox may run on; see ${shownBy}.`,
    ...(afterwards === undefined ? [] : [afterwards]),
  ];
  void tryWrite(terminal.stderr, `${words.join(' ')}\n`).then(() => {
    cancel();
    exit();
  });
}
