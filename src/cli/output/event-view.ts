import type { CoreEvent, PoolEvent } from '../../core/model/pool.ts';
import { printable } from './output.ts';
import { timestamp } from './sandbox-view.ts';

/** An event as `-o json` shows it, one a line; what an event of its type does not have is null. */
export interface EventView {
  /** 1 for the first since the core started, then without a gap; for --after. */
  seq: number;
  time: string;
  pool: string;
  type: PoolEvent['type'];
  instance: string | null;
  shape: string | null;
  /** Why it was evicted, destroyed, not booted. */
  cause: string | null;
  /** How many boots a refill has begun. */
  count: number | null;
  /** capacity.min after it was scaled. */
  min: number | null;
}

export function eventView({ seq, time, pool, event }: CoreEvent): EventView {
  return {
    ...{ seq, time: timestamp(time), pool, type: event.type },
    instance: 'instance' in event ? event.instance : null,
    shape: 'shape' in event ? event.shape : null,
    cause: 'cause' in event ? event.cause : null,
    count: 'count' in event ? event.count : null,
    min: 'min' in event ? event.min : null,
  };
}

/** `2026-03-01T12:00:00.000Z default-pool evicted      i0123456789abcdef shape=0123456789abcdef cause=ttl` */
export function eventLine(view: EventView): string {
  const { time, pool, type, instance, shape, cause, count, min } = view;
  const details = Object.entries({ shape, count, min, cause })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${value}`);
  const words = [time, pool, type.padEnd(LONGEST_TYPE), ...(instance === null ? [] : [instance]), ...details];
  return printable(words.join(' ').trimEnd());
}

const LONGEST_TYPE = 'boot-failed'.length;
