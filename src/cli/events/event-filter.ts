import { didYouMean } from '../../core/model/did-you-mean.ts';
import { FsbError } from '../../core/model/errors.ts';
import {
  type CoreEvent,
  EVENT_KINDS,
  type EventKind,
  type ImageEvent,
  kindOf,
  type SandboxEvent,
} from '../../core/model/event.ts';
import type { PoolEvent } from '../../core/model/pool.ts';
import { familiarName } from '../../core/model/reference.ts';
import { parseFilters, parseLabels } from '../images/filters.ts';

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
  readonly #namespace: string | undefined;
  readonly #pools: boolean;

  /**
   * @param namespace of the sandboxes; undefined: every
   * @param pools also what happens in pools, which most readers did not come for, when no filter asks for it
   * @throws invalid_argument
   */
  constructor(words: readonly string[], namespace: string | undefined, pools: boolean) {
    this.#filters = parseFilters(words, KEYS);
    this.#namespace = namespace;
    const { pool, event } = this.#filters;
    this.#pools = pools || pool.length > 0 || event.some((type) => Object.hasOwn(OF_POOLS, type));
    for (const type of this.#filters.type) assertKind(type);
  }

  /** Of all others the core need not even tell. */
  get kinds(): EventKind[] {
    const { type } = this.#filters;
    if (type.length > 0) return type as EventKind[];
    return EVENT_KINDS.filter((kind) => kind !== 'pool' || this.#pools);
  }

  passes(event: CoreEvent): boolean {
    const { event: types, sandbox, image, label, pool } = this.#filters;
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
      parseLabels(label).every(({ key, value }) => hasLabel(event, key, value))
    );
  }
}

function assertKind(word: string): void {
  if ((EVENT_KINDS as readonly string[]).includes(word)) return;
  const near = didYouMean(word, EVENT_KINDS);
  throw new FsbError('invalid_argument', `there are no events of type ${JSON.stringify(word)}`, {
    hint: near === undefined ? `There are: ${EVENT_KINDS.join(', ')}.` : `Did you mean ${near}?`,
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

const isDigest = ({ image }: CoreEvent, word: string): boolean =>
  image !== undefined &&
  word.length >= 4 &&
  image.digest.replace(/^sha256:/, '').startsWith(word.replace(/^sha256:/, ''));

const hasLabel = ({ sandbox }: CoreEvent, key: string, value?: string): boolean =>
  sandbox?.labels[key] !== undefined && (value === undefined || sandbox.labels[key] === value);
