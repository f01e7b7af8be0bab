import {
  type CoreEvent,
  EVENT_KINDS,
  type EventKind,
  type ImageEvent,
  kindOf,
  type SandboxEvent,
} from '../../core/model/event.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { LabelFilter } from '../../core/model/image/image-requests.ts';
import { familiarName } from '../../core/model/image/reference.ts';
import type { PoolEvent } from '../../core/model/pool/pool.ts';
import { hasLabels } from '../../core/model/sandbox/labels.ts';
import { DOCKER_ACTIONS, DOCKER_KINDS } from '../output/docker/docker-event.ts';
import { nearest } from '../output/nearest.ts';
import { parseFilters, parseLabels } from '../select/filters.ts';

type EventType = Exclude<CoreEvent['event']['type'], 'step'>;

/** docs/events.md says what they are. */
export const EVENT_TYPES = Object.keys({
  ...{ created: 1, started: 1, exited: 1, failed: 1, lost: 1, paused: 1, unpaused: 1, killed: 1, stopped: 1 },
  ...{ restarted: 1, reset: 1, recreated: 1, expired: 1, renamed: 1, updated: 1, deleted: 1 },
  ...{ pulled: 1, imported: 1, tagged: 1, untagged: 1, removed: 1, pruned: 1 },
  ...{ idle: 1, claimed: 1, resumed: 1, returned: 1, evicted: 1, destroyed: 1, 'boot-failed': 1 },
  ...{ refill: 1, scaled: 1, drained: 1 },
} satisfies Record<EventType, 1>);

const KEYS = ['type', 'event', 'sandbox', 'image', 'label', 'pool'] as const;

/** Types of events that nothing but pools has: who asks for one asks for pools. */
const OF_POOLS: Record<Exclude<PoolEvent['type'], (SandboxEvent | ImageEvent)['type']>, true> = {
  ...{ idle: true, claimed: true, resumed: true, returned: true, evicted: true, destroyed: true },
  ...{ 'boot-failed': true, refill: true, scaled: true, drained: true },
};

type Filters = Record<(typeof KEYS)[number], string[]>;

/** As docker: of one key any, of several keys all; labels all. */
export class EventFilter {
  readonly #filters: Filters;
  readonly #labels: LabelFilter[];
  readonly #namespace: string | undefined;
  readonly #pools: boolean;

  /**
   * @param namespace of the sandboxes; undefined: every
   * @param pools also what happens in pools, which most readers did not come for, when no filter asks for it
   * @throws invalid_argument
   */
  constructor(words: readonly string[], namespace: string | undefined, pools: boolean) {
    this.#filters = inOurWords(parseFilters(words.map(inOurKeys), KEYS));
    this.#labels = parseLabels(this.#filters.label);
    this.#namespace = namespace;
    // What nobody says would be a stream in which nothing ever comes.
    for (const kind of this.#filters.type) assertKnown('of type', kind, EVENT_KINDS);
    for (const type of this.#filters.event) assertKnown('called', type, EVENT_TYPES);
    const { pool, event } = this.#filters;
    this.#pools = pools || pool.length > 0 || event.some((type) => Object.hasOwn(OF_POOLS, type));
  }

  /** Of all others the core need not even tell. */
  get kinds(): EventKind[] {
    const { type } = this.#filters;
    if (type.length > 0) return type as EventKind[];
    return EVENT_KINDS.filter((kind) => kind !== 'pool' || this.#pools);
  }

  passes(event: CoreEvent): boolean {
    const { event: types, sandbox, image, pool } = this.#filters;
    if (event.sandbox && this.#namespace !== undefined && event.sandbox.namespace !== this.#namespace)
      return false;
    const anyOf = (words: readonly string[], isMeant: (word: string) => boolean): boolean =>
      words.length === 0 || words.some(isMeant);
    return (
      this.kinds.includes(kindOf(event)) &&
      anyOf(types, (word) => word === event.event.type) &&
      anyOf(pool, (word) => word === event.pool) &&
      anyOf(sandbox, (word) => isSandbox(event, word)) &&
      anyOf(image, (word) => namesOf(event).includes(familiarName(word)) || isDigest(event, word)) &&
      hasLabels(event.sandbox?.labels ?? {}, this.#labels)
    );
  }
}

/** docker's `container=`, and `name=` of its lists. */
const inOurKeys = (word: string): string => word.replace(/^(container|name)=/, 'sandbox=');

/** `type=container` and `event=die`, as `--format json` tells them. */
function inOurWords({ type, event, ...filters }: Filters): Filters {
  const meant = (word: string): string[] => {
    const ours = Object.values(DOCKER_ACTIONS).flatMap((actions) =>
      Object.keys(actions).filter((one) => actions[one] === word),
    );
    return ours.length > 0 ? ours : [word];
  };
  const kinds = type.map((word) => (word === DOCKER_KINDS.sandbox ? 'sandbox' : word));
  return { ...filters, type: kinds, event: event.flatMap(meant) };
}

function assertKnown(what: string, word: string, known: readonly string[]): void {
  if (known.includes(word)) return;
  throw new FsbError('invalid_argument', `there are no events ${what} ${JSON.stringify(word)}`, {
    hint: nearest(word, known),
  });
}

/** Its name, the one before, or the beginning of its id. */
const isSandbox = ({ sandbox, event }: CoreEvent, word: string): boolean =>
  sandbox !== undefined &&
  (sandbox.name === word ||
    (word.length >= 4 && sandbox.id.startsWith(word)) ||
    ('from' in event && event.from === word));

const namesOf = ({ sandbox, image }: CoreEvent): string[] =>
  (image?.names ?? (sandbox ? [sandbox.image] : [])).map(familiarName);

/** @param word at least four digits of it, with `sha256:` before them or not */
function isDigest({ image }: CoreEvent, word: string): boolean {
  const digits = word.replace(/^sha256:/, '');
  return image !== undefined && digits.length >= 4 && image.digest.startsWith(`sha256:${digits}`);
}
