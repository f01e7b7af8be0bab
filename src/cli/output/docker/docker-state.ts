import type { Phase } from '../../../core/model/sandbox/phase.ts';

/** docker's words for what a container is; one that restarts by itself we do not have. */
export const DOCKER_STATES = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const;

export type DockerState = (typeof DOCKER_STATES)[number];

interface Known {
  paused: boolean;
  /** How its command ended is known. */
  hasStatus: boolean;
}

export function dockerState(phase: Phase, { paused, hasStatus }: Known): DockerState {
  if (paused) return 'paused';
  // One that was killed for its memory has exited, as in docker; one that never began has not.
  return phase === 'Failed' && hasStatus ? 'exited' : STATES[phase];
}

const STATES: Record<Phase, DockerState> = {
  Pending: 'created',
  Bound: 'created',
  Running: 'running',
  Exited: 'exited',
  Terminating: 'removing',
  Expired: 'exited',
  Failed: 'dead',
  Lost: 'dead',
};
