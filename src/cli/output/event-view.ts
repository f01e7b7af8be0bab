import { type CoreEvent, type EventKind, kindOf } from '../../core/model/event.ts';
import type { PoolEvent } from '../../core/model/pool.ts';
import { familiarName } from '../../core/model/reference.ts';
import { printable } from './output.ts';
import { timestamp } from './sandbox-view.ts';

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
    return { ...stamp, type, ...sandbox, ...own(['code', 'signal', 'reason', 'from']) } as SandboxEventView;
  if (image) return { ...stamp, type, ...image, ...own(['freed']) } as ImageEventView;
  const details = own(['instance', 'shape', 'cause', 'count', 'min']);
  return { ...stamp, pool: told.pool, type, ...details } as PoolEventView;
}

/**
 * `2026-03-01T12:00:00.000Z default-pool evicted      i0123456789abcdef shape=0123456789abcdef cause=ttl`,
 * `2026-03-01T12:00:00.000Z sandbox exited       box id=0123456789ab image=host code=7`
 */
export function eventLine(view: EventView): string {
  const [about, what, details] = partsOf(view);
  const shown = Object.entries(details)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${value}`);
  const words = [view.time, about, view.type.padEnd(LONGEST_TYPE), ...what, ...shown];
  return printable(words.join(' ').trimEnd());
}

type Parts = [about: string, what: string[], details: Record<string, string | number | null>];

function partsOf(view: EventView): Parts {
  if (view.kind === 'sandbox') {
    const { name, id, image, code, signal, reason, from } = view;
    const details = { id: id.slice(0, SHORT_ID), image: familiarName(image), from, code, signal, reason };
    return ['sandbox', [name], details];
  }
  if (view.kind === 'image')
    return ['image', [...view.names.map(familiarName), view.digest].filter(Boolean), { freed: view.freed }];
  const { pool, instance, shape, count, min, cause } = view;
  return [pool, instance === null ? [] : [instance], { shape, count, min, cause }];
}

const LONGEST_TYPE = 'boot-failed'.length;
const SHORT_ID = 12;
