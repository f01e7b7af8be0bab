import type { ImageInfo } from './image.ts';

export type LayerState =
  /** Its turn has not come. */
  | 'waiting'
  | 'downloading'
  /** The connection was cut; it goes on from where it was. */
  | 'retrying'
  | 'downloaded'
  | 'unpacking'
  | 'done'
  /** It was here before. */
  | 'present';

export interface LayerProgress {
  /** First 12 digits of its digest. */
  id: string;
  state: LayerState;
  /** Bytes of the layer as it comes that were downloaded, or unpacked. */
  current: number;
  total: number;
}

/** What happens during a pull. Whoever joins one that is under way gets `resolved` with how things are by then. */
export type PullEvent =
  | { kind: 'resolved'; reference: string; digest: string; layers: LayerProgress[] }
  | { kind: 'layer'; layer: LayerProgress }
  /** A retry, another mirror: for people. */
  | { kind: 'note'; message: string }
  /** The last one. `digest` is what the registry calls the reference, maybe of an index. */
  | { kind: 'done'; reference: string; digest: string; upToDate: boolean; image: ImageInfo };
