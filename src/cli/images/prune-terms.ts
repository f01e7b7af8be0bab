import { shortDigest } from '../../core/model/image/digest.ts';
import type { PruneResult } from '../../core/model/image/image.ts';
import type { PruneRequest } from '../../core/model/image/image-requests.ts';
import { formatSize } from '../../core/model/quantity.ts';
import { parseMoment } from '../logs/time-query.ts';
import { namesOf } from '../output/listings/image-view.ts';
import { parseFilters, parseLabels } from '../select/filters.ts';

/** Which of what could go is meant; no `olderThan`: however old it is. */
export type PruneFilter = Pick<PruneRequest, 'olderThan' | 'labels'>;

/** @param words `until=24h`, `label=team=red` @throws invalid_argument */
export function parsePruneFilter(words: readonly string[], now: number): PruneFilter {
  const { until, label } = parseFilters(words, ['until', 'label']);
  const ages = until.map((text) => Math.max(0, now - parseMoment(text, now, 'filter until')));
  return {
    ...(ages.length > 0 && { olderThan: Math.max(...ages) }),
    ...(label.length > 0 && { labels: parseLabels(label) }),
  };
}

/** What would go, a line each, for who is asked. */
export function imageLossLines({ removed, freed }: PruneResult): string[] {
  const leftovers = removed.reduce((rest, image) => rest - image.freed, freed);
  const lines = removed.map(
    ({ image }) => `${namesOf(image)} (${shortDigest(image.digest)}, ${formatSize(image.uniqueSize)})`,
  );
  if (leftovers > 0) lines.push(`what interrupted pulls have left (${formatSize(leftovers)})`);
  return lines;
}
