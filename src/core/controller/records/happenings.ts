import type { CallOptions } from '../../api/sandbox-api.ts';
import type { CoreEvent, EventSandbox, Happening, SandboxEvent } from '../../model/event.ts';
import { signalName } from '../../model/process.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import type { Lost } from '../decide/failure-policy.ts';

/** Hears of everything that happens to sandboxes, in order. Must not throw. */
export type OnHappening = (happening: Happening & { sandbox: EventSandbox }) => void;

/** Where what happens is told, and read again. */
export interface History {
  /** Of no other history. */
  readonly epoch: string;
  /** Where the newest entry is; 0: there is none. */
  readonly position: number;
  append: (happening: Happening) => void;
  /** @throws outdated, unavailable when the core stops */
  changes(after: number, options?: CallOptions): AsyncIterable<CoreEvent & { position: number }>;
}

export const happening = (
  { id, namespace, name, spec }: Sandbox,
  event: SandboxEvent,
): Happening & { sandbox: EventSandbox } => ({
  sandbox: { id, namespace, name, image: spec.image, labels: spec.labels },
  event,
});

/** What a step of the transition table is to those outside. */
export function eventOfStep(before: Sandbox['state'], { state }: Sandbox): SandboxEvent {
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
      return { type: before.phase === 'Expired' ? 'step' : 'expired' };
    default:
      return { type: 'step' };
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
export const eventOfChange = (before: Sandbox, after: Sandbox): SandboxEvent => {
  if (after.name !== before.name) return { type: 'renamed', from: before.name };
  return after.generation === before.generation ? { type: 'updated' } : { type: 'step' };
};
