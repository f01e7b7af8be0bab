import { FsbError } from '../model/failure/errors.ts';
import type { InstanceState } from './instance.ts';

/** Every step that an instance may take; the picture of it is in instance.ts. */
export const instanceTransitions: Record<InstanceState, readonly InstanceState[]> = {
  booting: ['idle', 'stopping'],
  idle: ['claimed', 'paused', 'stopping'],
  paused: ['idle', 'claimed', 'stopping'],
  claimed: ['idle', 'suspended', 'stopping'],
  suspended: ['claimed', 'stopping'],
  stopping: ['dead'],
  dead: [],
};

/** @throws conflict when the table does not allow the step */
export function instanceTransition(id: string, from: InstanceState, to: InstanceState): InstanceState {
  if (!instanceTransitions[from].includes(to))
    throw new FsbError('conflict', `instance ${id} cannot become ${to}: it is ${from}`);
  return to;
}
