import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { abortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { exitCodeOf } from '../../core/model/process.ts';
import type { ToolPlace } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { forwardConnection } from './connection.ts';
import { type Listener, listen } from './listener.ts';
import type { PortPair } from './ports.ts';

export interface ForwardOptions {
  host: string;
  ports: PortPair[];
  /** All of them listen. */
  ready: (listeners: readonly Listener[]) => Promise<void>;
  /** Connections fail as yet, or one did; the others go on. */
  warn: (text: string) => void;
}

/**
 * Forwards ports until the signal fires or the sandbox has ended.
 * @throws the signal's reason; conflict (not running), internal (it has ended), and what keeps a port from listening
 */
export async function forwardPorts(place: ToolPlace, options: ForwardOptions): Promise<never> {
  const { host, ports, ready, warn } = options;
  // Every connection listens to it; they may be many.
  setMaxListeners(0, place.signal);
  const { name } = place.ref;
  if (await isPaused(place))
    warn(`Warning: ${name} is paused, and connections fail until: fsb-ctl unpause ${name}`);
  const listeners: Listener[] = [];
  const accept = (socket: Socket, remote: number): void => {
    forwardConnection(socket, place, remote).catch((error: unknown) => {
      // Whoever ends all of them knows that they end.
      if (place.signal.aborted) return;
      warn(`A connection to port ${remote} failed: ${printable(FsbError.from(error).message)}`);
    });
  };
  try {
    for (const pair of ports) listeners.push(await listen(host, pair, accept));
    await ready(listeners);
    return await ended(place);
  } finally {
    for (const listener of listeners) listener.close();
  }
}

/** @throws conflict (not running) */
async function isPaused({ core, ref, signal }: ToolPlace): Promise<boolean> {
  const { state } = await core.sandboxes.get(ref, { signal });
  if (state.phase === 'Running') return state.paused === true;
  throw new FsbError('conflict', `cannot reach ${ref.name}: it is ${state.phase}, not Running`, {
    hint: `See what happened with: fsb-ctl get ${ref.name}`,
  });
}

/** Never resolves. */
async function ended({ core, ref, signal }: ToolPlace): Promise<never> {
  const how = await abortable(core.sandboxes.wait(ref, { signal }), signal).then(
    (status) => `it has ended with ${exitCodeOf(status)}`,
    (error: unknown) => {
      const { code, message } = FsbError.from(error);
      if (code !== 'run_failed' && code !== 'not_found') throw error;
      return message;
    },
  );
  throw new FsbError('internal', `nothing more to forward to ${ref.name}: ${how}`);
}
