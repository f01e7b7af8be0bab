import { constants } from 'node:os';
import type { World } from '../world.ts';

const PROXIED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A user who interrupts so often wants to get out of here, whatever the process does. */
const INTERRUPTS_THAT_FORCE = 3;

/** Passes our signals on to a process, until the returned function is called (idempotent). */
export function proxySignals(
  send: (signal: number) => void,
  world: Pick<World, 'events' | 'forceExit'>,
): () => void {
  let interrupts = 0;
  const listeners = PROXIED.map((name) => {
    const listener = (): void => {
      if (name === 'SIGINT') interrupts += 1;
      if (name === 'SIGINT' && interrupts >= INTERRUPTS_THAT_FORCE) world.forceExit(130);
      else send(constants.signals[name]);
    };
    world.events.on(name, listener);
    return [name, listener] as const;
  });
  return () => {
    for (const [name, listener] of listeners) world.events.off(name, listener);
  };
}
