import type { Instance } from '../../instance/instance.ts';
import type { Claim } from '../pool.ts';
import type { ShapeRecord } from './shape-record.ts';

/**
 *     out -> booting -> claiming -> claimed -> returning -> claiming ...
 *                       claiming <-> idle
 *     every state but out -> stopping -> out
 *
 * `claiming` is between being chosen and the answer to the caller: the health check. `returning` is between being given
 * back and being proven clean. `out` holds nothing: before the boot, and after the teardown.
 */
export type SlotState = 'out' | 'booting' | 'idle' | 'claiming' | 'claimed' | 'returning' | 'stopping';

/** One instance of the pool and the room it holds, from before its boot to the end of its teardown. */
export class Slot {
  readonly record: ShapeRecord;
  state: SlotState = 'out';
  /** Monotonic milliseconds of the last change of state. */
  since = 0;
  /** Undefined until it has booted. */
  instance: Instance | undefined;
  /** Of whoever has it now; undefined while nobody has, and once it was given back. */
  claim: Claim | undefined;
  /** Monotonic milliseconds when it became ready, or was adopted. */
  readyAt = 0;
  /** It lived before this core: nobody knows what ran in it. */
  adopted = false;
  /** Ends a boot under way. */
  abortBoot: ((cause: Error) => void) | undefined;
  /** Resolves when the room is free again; set once it is stopping. */
  gone: Promise<void> | undefined;
  resolveGone: (() => void) | undefined;
  /** It goes to make room for a waiter. */
  makesRoom = false;

  constructor(record: ShapeRecord) {
    this.record = record;
  }
}

/** In these states something is under way, and close() waits for its end. */
export const isUnsettled = (state: SlotState): boolean =>
  state === 'booting' || state === 'claiming' || state === 'returning' || state === 'stopping';
