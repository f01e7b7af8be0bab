/**
 *     out -> booting -> claiming -> claimed -> returning -> claiming ...
 *                       claiming <-> idle
 *     every state but out -> stopping -> out
 *
 * `claiming` is between being chosen and the answer to the caller: the health check. `returning` is between being given
 * back and being proven clean. `out` holds nothing: before the boot, and after the teardown.
 */
export type SlotState = 'out' | 'booting' | 'idle' | 'claiming' | 'claimed' | 'returning' | 'stopping';

/** In these states something is under way, and close() waits for its end. */
export const isUnsettled = (state: SlotState): boolean =>
  state === 'booting' || state === 'claiming' || state === 'returning' || state === 'stopping';
