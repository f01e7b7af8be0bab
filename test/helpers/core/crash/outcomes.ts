import type { Scenario } from './scenario.ts';

/**
 * How a sandbox comes. Its own record is written while it starts, those of the node before the answer: until they are all
 * there, one or the other may be on its way to the disk.
 */
export const BEGINS: Scenario['becomes'] = {
  none: [
    'record.sandboxes.begun',
    'start.',
    'start.spawned',
    'boot.',
    'rotate.',
    'record.instances.',
    'record.slots.',
  ],
  Failed: [
    ...['record.sandboxes.committed', 'start.', 'start.spawned', 'boot.', 'rotate.', 'record.instances.'],
    ...['record.slots.', 'record.instances.committed', 'record.instances.committed#2'],
  ],
  Running: [
    'rotate.',
    ...[
      'start.spawned',
      'start.recorded',
      'start.answered',
      'record.slots.committed',
      'record.sandboxes.committed',
    ],
    ...['record.instances.committed', 'record.instances.committed#2'],
    ...['record.sandboxes.begun#2', 'record.sandboxes.committed#2'],
  ],
};

/** The record that it goes is on its way to the disk: until it is there, it may be that it only stops. */
const GOING = ['end.seen', 'end.drained', 'end.logged', 'record.slots.begun'];

/** How one that runs goes: once its record says so, nothing brings it back. */
export const GOES: Scenario['becomes'] = {
  Exited: GOING,
  Running: ['record.sandboxes.begun', 'delete.begun'],
  none: [
    ...GOING,
    'delete.begun',
    'record.sandboxes.begun#2',
    'delete.',
    'end.',
    'return.',
    'destroy.',
    'forget.',
    'retain.',
    'trash.',
    'record.',
  ],
};

/** From here on the command has begun, on record. */
export const BEGUN = ['start.recorded', 'start.answered', 'again.started', 'forget.'];

/** The command has begun, and that is on its way to the disk. */
export const ON_ITS_WAY = ['start.spawned', 'rotate.'];

/** What becomes of one that is started again, from its next record on. */
export const STARTS = {
  Failed: [
    ...['again.renewed', 'start.', 'boot.', 'record.sandboxes.committed', 'record.instances.'],
    ...['record.slots.begun', 'record.instances.committed#2', ...ON_ITS_WAY],
  ],
  Running: [
    ...[
      ...BEGUN,
      ...ON_ITS_WAY,
      'record.slots.committed',
      'record.slots.begun#2',
      'record.slots.committed#2',
    ],
    ...['record.sandboxes.begun#2', 'record.sandboxes.committed#2', 'record.instances.committed#2'],
  ],
};
