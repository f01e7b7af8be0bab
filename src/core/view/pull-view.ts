import type { LayerProgress, PullEvent } from '../model/image/pull.ts';
import { type PulledView, pulledView } from './image-view.ts';

/** A step of a pull, one a line; the last one is `done`. */
export type PullView =
  | { kind: 'resolved'; reference: string; digest: string; layers: LayerProgress[] }
  | { kind: 'layer'; layer: LayerProgress }
  | { kind: 'note'; message: string }
  | ({ kind: 'done' } & PulledView);

export const pullView = (event: PullEvent): PullView =>
  event.kind === 'done' ? { kind: 'done', ...pulledView(event) } : event;
