import { shortDigest } from '../../../core/model/image/digest.ts';
import type { ImageDetails, ImageHistory, ImageLayer } from '../../../core/model/image/image.ts';
import { formatAge, formatSize } from '../../../core/model/quantity.ts';
import { momentOf } from '../../../core/view/timestamp.ts';
import { sinceText } from '../docker/docker-age.ts';
import type { DockerRow, Listing } from '../output.ts';

/** A row of `image history` as `-o json` shows it. */
export interface HistoryView {
  /** Null when the image does not say. */
  created: string | null;
  created_by: string;
  comment: string;
  /** Of the layer as it came; null for a step that made none. */
  layer: string | null;
  /** Unpacked. */
  size_bytes: number;
}

export interface HistoryTerms {
  now: number;
  /** Whole commands and digests. */
  full: boolean;
  /** Ages and sizes as people read them. */
  human: boolean;
}

/** As docker's table has it. */
const LONGEST_COMMAND = 45;

/** @param layersOnly leaves out steps that made no layer */
export function historyListing(
  image: Pick<ImageDetails, 'history' | 'layers' | 'createdAt' | 'importedAt'>,
  { now, full, human }: HistoryTerms,
  layersOnly: boolean,
): Listing<HistoryView> {
  const age = (time: string | null): string =>
    time !== null && human ? `${formatAge(now - Date.parse(time))} ago` : (time ?? '');
  const digest = ({ layer }: HistoryView): string =>
    layer === null ? '' : full ? layer : shortDigest(layer);
  const steps = historyOf(image);
  // Tools that leave times out of the steps may still say when the image was built; when it came here is always known.
  const latest = momentOf(image.createdAt || image.importedAt);
  const timeOf = (step: HistoryView): string | null => step.created ?? (step === steps[0] ? latest : null);
  return {
    items: layersOnly ? steps.filter(({ layer }) => layer !== null) : steps,
    columns: [
      { title: 'LAYER', wide: true, value: digest },
      { title: 'CREATED', value: (step) => age(timeOf(step)) },
      { title: 'CREATED BY', value: (step) => commandOf(step, full) },
      { title: 'SIZE', value: (step) => (human ? formatSize(step.size_bytes) : String(step.size_bytes)) },
      { title: 'COMMENT', value: ({ comment }) => comment },
    ],
    name: digest,
    docker: (step) => [dockerStep(step, { now, full })],
  };
}

/** Newest first. Layers that no step speaks of come as steps of their own. */
function historyOf({ history, layers }: Pick<ImageDetails, 'history' | 'layers'>): HistoryView[] {
  const left = [...layers];
  const steps = history.map((step) => viewOf(step, step.empty ? undefined : left.shift()));
  const silent = left.map((layer) => viewOf({ createdAt: 0, createdBy: '', comment: '' }, layer));
  return [...steps, ...silent].reverse();
}

const viewOf = (
  { createdAt, createdBy, comment }: Omit<ImageHistory, 'empty'>,
  layer: ImageLayer | undefined,
): HistoryView => ({
  ...{ created: momentOf(createdAt), created_by: createdBy, comment },
  ...{
    layer: layer === undefined ? null : layer.digest || layer.diffId,
    size_bytes: layer?.unpackedSize ?? 0,
  },
});

/** As `docker history`. */
const dockerStep = (step: HistoryView, { now, full }: Omit<HistoryTerms, 'human'>): DockerRow => ({
  ID: step.layer === null ? '<missing>' : full ? step.layer : shortDigest(step.layer),
  CreatedAt: step.created ?? '',
  CreatedSince: step.created === null ? '' : `${sinceText(step.created, now)} ago`,
  CreatedBy: step.created_by,
  Size: formatSize(step.size_bytes),
  Comment: step.comment,
});

/** On one line. */
function commandOf({ created_by }: HistoryView, full: boolean): string {
  const text = created_by.replaceAll(/\s+/g, ' ').trim();
  return full || text.length <= LONGEST_COMMAND ? text : `${text.slice(0, LONGEST_COMMAND - 1)}…`;
}
