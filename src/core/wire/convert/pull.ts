import { FsbError } from '../../model/failure/errors.ts';
import type { LayerProgress, LayerState, PullEvent } from '../../model/image/pull.ts';
import type { PullImageResponse, LayerProgress as WireLayer } from '../gen/fsb/v1/image.ts';
import { imageFromWire, imageToWire } from './image.ts';

/** What happens during a pull. */

export function pullEventToWire(event: PullEvent): PullImageResponse {
  switch (event.kind) {
    case 'resolved': {
      const { reference, digest, layers } = event;
      return { event: { $case: 'resolved', value: { reference, digest, layers: [...layers] } } };
    }
    case 'layer':
      return { event: { $case: 'layer', value: event.layer } };
    case 'note':
      return { event: { $case: 'note', value: { message: event.message } } };
    case 'done': {
      const { kind: _, image, ...done } = event;
      return { event: { $case: 'done', value: { ...done, image: imageToWire(image) } } };
    }
  }
}

export function pullEventFromWire({ event }: PullImageResponse): PullEvent {
  switch (event?.$case) {
    case 'resolved':
      return { kind: 'resolved', ...event.value, layers: event.value.layers.map(layerFromWire) };
    case 'layer':
      return { kind: 'layer', layer: layerFromWire(event.value) };
    case 'note':
      return { kind: 'note', ...event.value };
    case 'done':
      return { kind: 'done', ...event.value, image: imageFromWire(event.value.image) };
    default:
      throw new FsbError('internal', 'the core told of a pull in words that are not known here');
  }
}

export const layerFromWire = (layer: WireLayer): LayerProgress => ({
  ...layer,
  state: layer.state as LayerState,
});
