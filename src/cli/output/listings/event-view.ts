import { DEFAULT_NAMESPACE } from '../../../core/model/ids.ts';
import { shortDigest } from '../../../core/model/image/digest.ts';
import { familiarName } from '../../../core/model/image/reference.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import type {
  EventView,
  ImageEventView,
  PoolEventView,
  SandboxEventView,
} from '../../../core/view/event-view.ts';
import { printable } from '../output.ts';

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

type EventField = keyof SandboxEventView | keyof ImageEventView | keyof PoolEventView;

/** What only events of some kinds have. */
const ABSENT: Record<Exclude<EventField, keyof EventView>, null> = {
  ...{ name: null, namespace: null, id: null, image: null, labels: null },
  ...{ code: null, signal: null, reason: null, from: null, recreate_at: null },
  ...{ digest: null, names: null, freed: null },
  ...{ pool: null, instance: null, shape: null, cause: null, count: null, min: null },
};

/** With every field that an event of whatever kind has: to an expression, one that is not there would be a slip. */
export const wholeEvent = (view: EventView): object => ({ ...view, ...ABSENT, ...view });

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
