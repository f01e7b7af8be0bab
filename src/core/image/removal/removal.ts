import type { Logger } from 'pino';
import { abortable } from '../../model/async/abortable.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { ImageInfo, PruneResult, RemovedImage } from '../../model/image/image.ts';
import type { PruneRequest } from '../../model/image/image-requests.ts';
import { familiarName } from '../../model/image/reference.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Holds } from '../content/holds.ts';
import type { ImageContent } from '../content/image-content.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { happening, type OnHappening } from '../happenings.ts';
import type { PruneTerms, RemoveTerms } from '../image-store.ts';
import { nothingToRemove } from '../names/lookup.ts';
import { nameMeant, namesWith, separateNames } from '../names/record-names.ts';
import { pruneImages } from './prune.ts';

export interface RemovalOptions {
  content: ImageContent;
  holds: Holds;
  isHost: (digest: string) => boolean;
  catalogue: Catalogue;
  log: Logger;
  happened: OnHappening;
}

/** No single image. */
const NONE = { digest: '', references: [] };

/** How images go: by name, by digest, or when their last user has ended. */
export class Removal {
  readonly #options: RemovalOptions;
  readonly #content: ImageContent;
  readonly #holds: Holds;

  constructor(options: RemovalOptions) {
    this.#options = options;
    this.#content = options.content;
    this.#holds = options.holds;
  }

  /** As ImageStore.prune. */
  async prune(request: PruneRequest, terms: PruneTerms = {}): Promise<PruneResult> {
    const pruned = await pruneImages(request, terms, {
      ...this.#options,
      take: (record) => this.#take(record),
    });
    const { freed } = pruned;
    if (!request.dryRun) this.#options.happened(happening(NONE, { type: 'pruned', freed }));
    return pruned;
  }

  /** As ImageStore.remove. */
  async remove(reference: string, terms: RemoveTerms = {}): Promise<RemovedImage> {
    const asked = new Set<string>();
    for (;;) {
      // Looked up anew: it may have got another name, or have gone, in the meantime.
      const record = this.#find(reference);
      const { digest } = record;
      if (goesWhole(record, reference, terms) && !asked.has(digest)) {
        if (!terms.force && this.#holds.has(digest)) this.#assertNoUsers(digest, reference, terms);
        asked.add(digest);
        await letGo(digest, terms);
        continue;
      }
      const [info] = this.#options.catalogue.infos([record]) as [ImageInfo];
      if (!goesWhole(record, reference, terms)) {
        const untagged = namesWith(record, nameMeant(record, reference)!);
        // Of two who take off the last two names, one must see that it takes the image.
        if (!(await this.#untag(record, untagged))) continue;
        this.#options.happened(happening({ digest, references: untagged }, { type: 'untagged' }));
        return { image: info, untagged, deleted: false, freed: 0 };
      }
      const untagged = [...record.references, ...record.repoDigests];
      if (this.#holds.has(record.digest) && !terms.force)
        throw inUse(reference, terms.usersOf?.(record.digest) ?? []);
      const freed = this.#holds.has(record.digest) ? await this.#retire(record) : await this.#take(record);
      // One that is in use goes later.
      const deleted = this.#content.records.get(record.digest) === undefined;
      if (freed !== undefined) return { image: info, untagged, deleted, freed };
    }
  }

  /**
   * Removes an image that nobody holds, in the tick of that check.
   * @returns bytes; undefined when it was given another name meanwhile, and stays
   */
  async #take(record: ImageRecord): Promise<number | undefined> {
    if (!(await this.#strike(record))) return undefined;
    // It may come again while its content goes, and be used: what has come again by its turn stays.
    failpoint('removal.struck');
    const freed = await this.#content.drop(record);
    this.#options.log.info({ image: record.digest, references: record.references, freed }, 'image removed');
    this.#options.happened(happening(record, { type: 'removed', freed }));
    return freed;
  }

  /** Takes an image off the record. @returns false when it was given another name meanwhile */
  async #strike(record: ImageRecord): Promise<boolean> {
    const { digest } = record;
    // A boot that begins while the list is written would lose its layers.
    const left = this.#holds.leave(digest);
    try {
      return await this.#content.records.remove(digest, (now) => hasSameNames(now, record));
    } finally {
      left();
    }
  }

  /** Removes an image that was removed by force, once nobody holds it. @returns bytes */
  async takeRetired(digest: string): Promise<number> {
    const record = this.#content.records.get(digest);
    if (!record?.removed || this.#holds.has(digest) || this.#holds.isLeaving(digest)) return 0;
    return (await this.#take(record)) ?? 0;
  }

  /** The same for all of them. */
  async sweep(): Promise<void> {
    for (const { digest } of this.#content.records.all()) await this.takeRetired(digest);
  }

  /** @returns bytes; undefined when it was given another name meanwhile */
  async #retire(record: ImageRecord): Promise<number | undefined> {
    const { digest } = record;
    if (!(await this.#content.records.retire(digest, (now) => hasSameNames(now, record)))) return undefined;
    this.#options.log.info(
      { image: digest },
      'image loses its names, and goes when nothing uses it any more',
    );
    this.#options.happened(happening(record, { type: 'untagged' }));
    // Its last holder may have ended before the mark was there.
    return this.takeRetired(digest);
  }

  #untag(record: ImageRecord, names: readonly string[]): Promise<boolean> {
    return this.#content.records.untag(record.digest, names, (now) => hasSameNames(now, record));
  }

  /** Before idle users are asked to let go: they would go for nothing. */
  #assertNoUsers(digest: string, reference: string, { usersOf }: RemoveTerms): void {
    const users = usersOf?.(digest) ?? [];
    if (users.length > 0) throw inUse(reference, users);
  }

  #find(reference: string): ImageRecord {
    return this.#options.catalogue.find(reference, nothingToRemove);
  }
}

/** @throws conflict: removing an image by its digest must not take names away that nobody spoke of */
function goesWhole(record: ImageRecord, reference: string, { force }: RemoveTerms): boolean {
  const name = nameMeant(record, reference);
  const all = record.references.length + record.repoDigests.length;
  if (name !== undefined) return namesWith(record, name).length === all;
  const names = separateNames(record);
  if (names.length <= 1 || force) return true;
  throw new FsbError('conflict', `cannot remove image ${reference}: it has several names`, {
    hint: `Remove them one by one: ${names.join(', ')}; or all at once with -f.`,
  });
}

/** @throws conflict, unless by force, when a pool is told to keep the image warm; the signal's reason */
async function letGo(digest: string, { letGo, force, signal }: RemoveTerms): Promise<void> {
  try {
    if (letGo) await abortable(letGo(digest), signal);
  } catch (error) {
    if (!force || FsbError.from(error).code !== 'conflict') throw error;
  }
}

const hasSameNames = (a: ImageRecord, b: ImageRecord): boolean =>
  JSON.stringify([a.references, a.repoDigests]) === JSON.stringify([b.references, b.repoDigests]);

function inUse(reference: string, users: readonly string[]): FsbError {
  return new FsbError('conflict', `cannot remove image ${familiarName(reference)}: ${usersText(users)}`, {
    hint: 'Delete them first; or take its names off now with -f, and it goes with the last of them.',
  });
}

function usersText([first, ...others]: readonly string[]): string {
  if (first === undefined) return 'sandboxes use it';
  if (others.length === 0) return `${first} uses it`;
  return `${first} and ${others.length} other${others.length === 1 ? '' : 's'} use it`;
}
