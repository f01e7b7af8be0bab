import { type CoreEvent, type EventKind, kindOf } from '../model/event.ts';
import type { PoolEvent } from '../model/pool/pool.ts';
import { timestamp } from './timestamp.ts';

interface Stamp<Kind extends EventKind> {
  /** 1 for the first since the core started, then without a gap; for --after. */
  seq: number;
  time: string;
  kind: Kind;
}

/** An event of a pool as `-o json` shows it, one a line; what an event of its type does not have is null. */
export interface PoolEventView extends Stamp<'pool'> {
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

/** The same of a sandbox. */
export interface SandboxEventView extends Stamp<'sandbox'> {
  type: string;
  name: string;
  namespace: string;
  id: string;
  image: string;
  labels: Record<string, string>;
  /** Of exited; 128+n for a signal. */
  code: number | null;
  /** Of exited and killed. */
  signal: string | null;
  /** Of failed and lost. */
  reason: string | null;
  /** Of renamed: the name before. */
  from: string | null;
  /** Of lost: when it is recreated, if it is. */
  recreate_at: string | null;
}

/** The same of an image. */
export interface ImageEventView extends Stamp<'image'> {
  type: string;
  digest: string;
  names: string[];
  /** Bytes that a removal gave back. */
  freed: number | null;
}

export type EventView = PoolEventView | SandboxEventView | ImageEventView;

export function eventView(told: CoreEvent): EventView {
  const { seq, sandbox, image, event } = told;
  const stamp = { seq, time: timestamp(told.time), kind: kindOf(told) };
  const { type, ...rest } = event as { type: string } & Record<string, unknown>;
  const own = (keys: readonly string[]): object =>
    Object.fromEntries(keys.map((key) => [key, rest[key] ?? null]));
  if (sandbox)
    return {
      ...{ ...stamp, type, ...sandbox, ...own(['code', 'signal', 'reason', 'from']) },
      recreate_at:
        event.type === 'lost' && event.recreateAt !== undefined ? timestamp(event.recreateAt) : null,
    } as SandboxEventView;
  if (image) return { ...stamp, type, ...image, ...own(['freed']) } as ImageEventView;
  const details = own(['instance', 'shape', 'cause', 'count', 'min']);
  return { ...stamp, pool: told.pool, type, ...details } as PoolEventView;
}
