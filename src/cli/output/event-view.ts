import { shortDigest } from '../../core/model/digest.ts';
import { type CoreEvent, type EventKind, kindOf } from '../../core/model/event.ts';
import { DEFAULT_NAMESPACE } from '../../core/model/ids.ts';
import type { PoolEvent } from '../../core/model/pool.ts';
import { formatSize } from '../../core/model/quantity.ts';
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

/**
 * A line in columns; what names an event in full is for wide ones, so that the others fit a terminal.
 * `2026-03-01T12:00:00.000Z sandbox exited      box              code=7 image=host`,
 * `2026-03-01T12:00:00.000Z pool    evicted     default-pool     i0123456789abcdef cause=ttl`
 */
export function eventLine(view: EventView, wide: boolean): string {
  const { name, words = [], details } = partsOf(view, wide);
  const shown = Object.entries(details)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${value}`);
  const columns = [
    view.time,
    view.kind.padEnd(LONGEST_KIND),
    view.type.padEnd(LONGEST_TYPE),
    name.padEnd(NAME_WIDTH),
  ];
  return printable([...columns, ...words, ...shown].join(' ').trimEnd());
}

interface Parts {
  name: string;
  words?: string[];
  details: Record<string, string | number | null>;
}

function partsOf(view: EventView, wide: boolean): Parts {
  if (view.kind === 'sandbox') {
    const { name, namespace, code, signal, reason, from, recreate_at } = view;
    return {
      name,
      details: {
        ...{ code, signal, from, recreate_at, image: familiarName(view.image) },
        namespace: wide || namespace !== DEFAULT_NAMESPACE ? namespace : null,
        id: wide ? view.id : null,
        // Last, for it may have any length.
        reason,
      },
    };
  }
  if (view.kind === 'image') {
    const { names, digest, freed } = view;
    const shown = [...names.map(familiarName), wide ? digest : shortDigest(digest)].filter(Boolean);
    return { name: shown[0] ?? '', words: shown.slice(1), details: { freed: freed && formatSize(freed) } };
  }
  const { pool, instance, shape, count, min, cause } = view;
  const words = instance === null ? [] : [instance];
  return { name: pool, words, details: { count, min, shape: wide ? shape : null, cause } };
}

const LONGEST_KIND = 'sandbox'.length;
const LONGEST_TYPE = 'boot-failed'.length;
/** Most names have room in it. */
const NAME_WIDTH = 16;
