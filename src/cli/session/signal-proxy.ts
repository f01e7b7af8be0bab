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

/**
 * Passes our signals on to a process, until the returned function is called (idempotent).
 * @param afterwards what becomes of the process when the user has forced the way out, for the last word
 */
export function proxySignals(
  send: (signal: number) => void,
  world: Pick<World, 'events' | 'forceExit' | 'clock' | 'terminal'>,
  afterwards?: string,
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
      if (name === 'SIGINT' && isForced()) leave(world, afterwards);
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
  afterwards: string | undefined,
): void {
  const exit = (): void => forceExit(130);
  const cancel = clock.after(LAST_WORD, exit);
  const words = [
    'Interrupted three times: left. What ran in the sandbox may run on; see fsb-ctl list.',
    ...(afterwards === undefined ? [] : [afterwards]),
  ];
  void tryWrite(terminal.stderr, `${words.join(' ')}\n`).then(() => {
    cancel();
    exit();
  });
}
