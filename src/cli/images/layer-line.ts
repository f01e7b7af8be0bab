import type { LayerProgress, LayerState } from '../../core/model/image/pull.ts';
import { formatSize } from '../../core/model/quantity.ts';
import { barLine } from '../output/bar-line.ts';
import { printable } from '../output/output.ts';

/** What the states of a layer are called. */
export type LayerWords = Readonly<Record<LayerState, string>>;

/** Docker's words, where it has one. */
export const PULL_WORDS: LayerWords = {
  waiting: 'Pulling fs layer',
  downloading: 'Downloading',
  retrying: 'Retrying',
  downloaded: 'Download complete',
  unpacking: 'Unpacking',
  done: 'Pull complete',
  present: 'Already exists',
};

/** Of what comes out of a file. */
export const IMPORT_WORDS: LayerWords = {
  ...PULL_WORDS,
  waiting: 'Waiting',
  downloading: 'Reading',
  downloaded: 'Read complete',
  done: 'Import complete',
};

/** Of what goes into a file. */
export const SAVE_WORDS: LayerWords = { ...PULL_WORDS, downloading: 'Saving', done: 'Saved' };

const WITH_BAR: ReadonlySet<LayerState> = new Set(['downloading', 'retrying', 'unpacking']);

/** `0123456789ab: Downloading [=====>    ] 3.1MiB/12MiB`, in at most `width` columns. */
export function layerLine(layer: LayerProgress, width: number, words = PULL_WORDS): string {
  const text = printable(`${layer.id}: ${words[layer.state]}`);
  if (!WITH_BAR.has(layer.state)) return text.slice(0, width);
  return barLine(text, layer, formatSize, width);
}
