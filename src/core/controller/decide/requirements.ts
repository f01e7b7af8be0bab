import { FsbError } from '../../model/failure/errors.ts';
import { transitions } from '../../model/sandbox/phase.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';

/** What a call needs a sandbox to be. */

/** @throws conflict */
export function assertRunning({ name, state: { phase } }: Sandbox): void {
  if (phase === 'Running') return;
  throw new FsbError('conflict', `sandbox ${name} is not running (${phase})`, {
    hint: transitions[phase].includes('Pending')
      ? `See why with: fsb-ctl get ${name}; it runs again, with its files, after: fsb-ctl start ${name}`
      : `See why with: fsb-ctl get ${name}`,
  });
}

/** It runs, and its processes do. @throws conflict */
export function assertAwake(sandbox: Sandbox): void {
  assertRunning(sandbox);
  const { name, state } = sandbox;
  if (!isPaused(state)) return;
  throw new FsbError('conflict', `sandbox ${name} is paused`, {
    hint: `Let it go on first with: fsb-ctl unpause ${name}`,
  });
}

export const isPaused = (state: Sandbox['state']): boolean =>
  state.phase === 'Running' && state.paused === true;

/** @throws conflict */
export function assertStays({ name, state: { phase } }: Sandbox): void {
  if (phase !== 'Terminating') return;
  throw new FsbError('conflict', `sandbox ${name} is being deleted`, {
    hint: `Once it is gone, create it anew with: fsb-ctl run ${name}`,
  });
}

/** For who has begun with another one of this name. */
export const isAnother = (name: string): FsbError =>
  new FsbError('not_found', `the sandbox whose log was read is gone: another one is called ${name} now`);
