import { FsbError } from '../../core/model/failure/errors.ts';
import { timestamp } from '../../core/view/timestamp.ts';

/**
 * The failure of a stream of events, with how to go on: numbers begin anew with each core, and times do not.
 * @param last of the last event, milliseconds since the epoch
 */
export function goingOnFrom(last: number, thrown: unknown): unknown {
  const { code, message } = FsbError.from(thrown);
  if (code !== 'unavailable') return thrown;
  const hint = `Go on with what the next core tells: fsb-ctl events --since ${timestamp(last)}`;
  return new FsbError(code, message, { hint, cause: thrown });
}
