import { didYouMean } from '../../core/model/did-you-mean.ts';
import { FsbError } from '../../core/model/errors.ts';
import { type CoreEvent, EVENT_KINDS, type EventKind, kindOf } from '../../core/model/event.ts';
import { familiarName } from '../../core/model/reference.ts';
import { parseFilters, parseLabels } from '../images/filters.ts';

const KEYS = ['type', 'event', 'sandbox', 'image', 'label', 'pool'] as const;
type Filters = Record<(typeof KEYS)[number], string[]>;

/** As docker: of one key any, of several keys all; labels all. */
export class EventFilter {
  readonly #filters: Filters;
  readonly #namespace: string | undefined;

  /** @param namespace of the sandboxes; undefined: every. @throws invalid_argument */
  constructor(words: readonly string[], namespace: string | undefined) {
    this.#filters = parseFilters(words, KEYS);
    this.#namespace = namespace;
    for (const type of this.#filters.type) assertKind(type);
  }

  /** What the core need not even tell. */
  get kinds(): EventKind[] | undefined {
    const { type } = this.#filters;
    return type.length === 0 ? undefined : (type as EventKind[]);
  }

  passes(event: CoreEvent): boolean {
    const { type, event: types, sandbox, image, label, pool } = this.#filters;
    if (event.sandbox && this.#namespace !== undefined && event.sandbox.namespace !== this.#namespace)
      return false;
    const anyOf = (words: readonly string[], isMeant: (word: string) => boolean): boolean =>
      words.length === 0 || words.some(isMeant);
    return (
      anyOf(type, (word) => word === kindOf(event)) &&
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
