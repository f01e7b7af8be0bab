import type { SystemInfo } from '../../api/core-api.ts';
import { FsbError } from '../../model/errors.ts';
import type { ImageInfo } from '../../model/image.ts';
import type { ImageInfo as WireImage } from '../gen/fsb/v1/image.ts';
import type { SystemInfoResponse } from '../gen/fsb/v1/system.ts';

/** Images and the core itself. */

export function imageToWire({ importedAt, ...image }: ImageInfo): WireImage {
  return { ...image, importedAtMilliseconds: importedAt };
}

export function imageFromWire(wire: WireImage | undefined): ImageInfo {
  if (wire === undefined) throw new FsbError('internal', 'the core answered without an image');
  const { importedAtMilliseconds, ...image } = wire;
  return { ...image, importedAt: importedAtMilliseconds };
}

export function systemToWire({ startedAt, ...info }: SystemInfo): SystemInfoResponse {
  return { ...info, startedAtMilliseconds: startedAt };
}

export function systemFromWire({ startedAtMilliseconds, ...info }: SystemInfoResponse): SystemInfo {
  return { ...info, startedAt: startedAtMilliseconds };
}
