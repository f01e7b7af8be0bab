import type { EventSandbox, Happening, SandboxEvent } from '../model/event.ts';
import { signalName } from '../model/process.ts';
import type { Sandbox } from '../model/sandbox.ts';
import type { Lost } from './recovery.ts';

/** Hears of everything that happens to sandboxes, in order. Must not throw. */
export type OnHappening = (happening: Happening & { sandbox: EventSandbox }) => void;

export const happening = (
  { id, namespace, name, spec }: Sandbox,
  event: SandboxEvent,
): Happening & { sandbox: EventSandbox } => ({
  sandbox: { id, namespace, name, image: spec.image, labels: spec.labels },
  event,
});

/** What a step of the transition table is to those outside; undefined: nothing yet. */
export function eventOfStep(before: Sandbox['state'], { state }: Sandbox): SandboxEvent | undefined {
  switch (state.phase) {
    case 'Running':
      if (before.phase !== 'Running') return { type: 'started' };
      return { type: state.paused ? 'paused' : 'unpaused' };
    case 'Exited':
      return exited(state.status);
    case 'Failed':
      return { type: 'failed', reason: state.reason };
    case 'Lost':
      return lost(state);
    case 'Expired':
      return { type: 'expired' };
    default:
      return undefined;
  }
}

const lost = ({ reason, recreateAt }: Lost): SandboxEvent => ({
  type: 'lost',
  reason,
  ...(recreateAt !== undefined && { recreateAt }),
});

/** A shell says 128 and the number for one that a signal has ended. */
const exited = ({ code, signal }: { code: number | null; signal: number | null }): SandboxEvent =>
  signal === null
    ? { type: 'exited', code: code ?? 0 }
    : { type: 'exited', code: 128 + signal, signal: signalName(signal) };

/** What another change than a step is. */
export const eventOfChange = (before: Sandbox, after: Sandbox): SandboxEvent | undefined => {
  if (after.name !== before.name) return { type: 'renamed', from: before.name };
  return after.generation === before.generation ? { type: 'updated' } : undefined;
};
