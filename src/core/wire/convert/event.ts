import { FsbError } from '../../model/errors.ts';
import type { CoreEvent, EventQuery, PoolEvent } from '../../model/pool.ts';
import type { WatchRequest, WatchResponse } from '../gen/fsb/v1/system.ts';
import { defined } from './parts.ts';

export function eventToWire({ time, event, ...entry }: CoreEvent): WatchResponse {
  return { ...entry, timeMilliseconds: time, event: { ...event } };
}

/** A core of a later version may tell events of types that this one has no name for; they are passed on as they are. */
export function eventFromWire({ timeMilliseconds, event, ...entry }: WatchResponse): CoreEvent {
  if (event === undefined) throw new FsbError('internal', 'the core told an event without its content');
  return { ...entry, time: timeMilliseconds, event: defined({ ...event }) as PoolEvent };
}

export const eventQueryFromWire = ({ after, pool, follow }: WatchRequest): EventQuery =>
  defined({ after, pool, follow });
