import type { Clock } from '../../model/clock.ts';
import type { LayerProgress, LayerState } from '../../model/image/pull.ts';

/** Milliseconds between two that tell only of the bytes of a layer. */
const INTERVAL = 100;

/** Passes on every new state of a layer at once, and of its bytes as much as people can see. */
export function pacedLayers(
  tell: (layer: LayerProgress) => void,
  clock: Pick<Clock, 'monotonic'>,
): (layer: LayerProgress) => void {
  const told = new Map<string, { state: LayerState; at: number }>();
  return (layer) => {
    const last = told.get(layer.id);
    const at = clock.monotonic();
    if (last?.state === layer.state && at - last.at < INTERVAL) return;
    told.set(layer.id, { state: layer.state, at });
    tell(layer);
  };
}
