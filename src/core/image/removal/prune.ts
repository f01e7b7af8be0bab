import type { Logger } from 'pino';
import { abortable } from '../../model/async/abortable.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { PruneResult, RemovedImage } from '../../model/image/image.ts';
import type { PruneRequest } from '../../model/image/image-requests.ts';
import { hasLabels } from '../../model/sandbox/labels.ts';
import type { Holds } from '../content/holds.ts';
import type { ImageContent } from '../content/image-content.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { imageInfo } from '../image-info.ts';
import type { PruneTerms } from '../image-store.ts';
import { firstName } from '../names/record-names.ts';

export interface PruneGround {
  content: ImageContent;
  holds: Holds;
  isHost: (digest: string) => boolean;
  /** Removes one that nobody holds; undefined when it was named meanwhile, and stays. */
  take: (record: ImageRecord) => Promise<number | undefined>;
  log: Logger;
}

/** As ImageStore.prune. */
export async function pruneImages(
  request: PruneRequest,
  terms: PruneTerms,
  ground: PruneGround,
): Promise<PruneResult> {
  const { olderThan = 0, labels = [] } = request;
  if (request.dryRun) return wouldPrune(request, terms, ground);
  // They have no labels to be chosen by. First: on a full disk they make the room to write that images go.
  const leftovers = labels.length === 0 ? await collectLeftovers(olderThan, ground) : 0;
  failpoint('prune.collected');
  const removed: RemovedImage[] = [];
  for (const { digest } of candidates(request, ground)) {
    throwIfAborted(terms.signal);
    const gone = await pruneOne(digest, request, terms, ground);
    if (gone !== undefined) removed.push(gone);
  }
  return { removed, freed: removed.reduce((sum, { freed }) => sum + freed, leftovers) };
}

async function collectLeftovers(olderThan: number, { content, holds, isHost }: PruneGround): Promise<number> {
  const isListed = (digest: string): boolean => content.records.get(digest) !== undefined || isHost(digest);
  // Nobody knows which layers an instance has whose image was on a list that is lost.
  if (holds.digests().every(isListed)) await content.giveUpUnlisted();
  return content.collect(olderThan);
}

/** The same without doing it. What two of them have in common is not counted. */
function wouldPrune(request: PruneRequest, { keep, letGo }: PruneTerms, ground: PruneGround): PruneResult {
  const { content, holds } = ground;
  const { olderThan = 0, labels = [] } = request;
  const sizes = content.sizes();
  const removed = candidates(request, ground)
    // What idle instances hold, they let go.
    .filter(({ digest }) => letGo !== undefined || !holds.has(digest))
    .map((record) => ({ record, image: imageInfo(record, sizes) }))
    .filter(({ image }) => !keep?.(image))
    .map(({ record, image }) => ({
      ...{ image, untagged: [...record.references, ...record.repoDigests] },
      ...{ deleted: true, freed: image.uniqueSize },
    }));
  const leftovers = labels.length === 0 ? content.leftovers(olderThan) : 0;
  return { removed, freed: removed.reduce((sum, { freed }) => sum + freed, leftovers) };
}

/** By name. Some of them may turn out to be in use. */
const candidates = (request: PruneRequest, ground: PruneGround): ImageRecord[] =>
  ground.content.records
    .all()
    .filter((record) => isWanted(record, request, ground))
    .sort((a, b) => (firstName(a) < firstName(b) ? -1 : 1));

/** Undefined when it stays. */
async function pruneOne(
  digest: string,
  request: PruneRequest,
  { keep, letGo, signal }: PruneTerms,
  ground: PruneGround,
): Promise<RemovedImage | undefined> {
  const { content, holds, take, log } = ground;
  const before = content.records.get(digest);
  if (before === undefined || keep?.(imageInfo(before, content.sizes()))) return undefined;
  try {
    if (letGo) await abortable(letGo(digest), signal);
  } catch (error) {
    throwIfAborted(signal);
    log.debug({ image: digest, reason: FsbError.from(error).message }, 'an image is not pruned');
    return undefined;
  }
  // Looked up anew: somebody may have named it, or have begun to use it.
  const record = content.records.get(digest);
  if (record === undefined || holds.has(digest) || !isWanted(record, request, ground)) return undefined;
  const image = imageInfo(record, content.sizes());
  const freed = await take(record);
  if (freed === undefined) return undefined;
  return { image, untagged: [...record.references, ...record.repoDigests], deleted: true, freed };
}

/** As docker does it: an image of which only a digest is known counts as one without a name. */
function isWanted(
  record: ImageRecord,
  { all, olderThan, labels = [] }: PruneRequest,
  { content, holds }: PruneGround,
): boolean {
  if (record.removed || holds.isLeaving(record.digest)) return false;
  if (!all && record.references.length > 0) return false;
  if (olderThan !== undefined && content.records.ages.of(record.digest) <= olderThan) return false;
  return hasLabels(record.config.labels, labels);
}
