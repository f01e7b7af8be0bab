import { FsbError } from '../../model/failure/errors.ts';
import { HOST_IMAGE } from '../../model/image/reference.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { nameMeant } from '../names/record-names.ts';
import type { SavedImage } from './save-images.ts';

/**
 * The images to save, each once, with those of its names that were asked for.
 * @param find throws image_not_found
 * @throws invalid_argument, also for host
 */
export function imagesMeant(
  references: readonly string[],
  find: (reference: string) => ImageRecord,
): SavedImage[] {
  if (references.length === 0) throw new FsbError('invalid_argument', 'no image to save was named');
  const images = new Map<string, SavedImage>();
  for (const reference of references) {
    if (reference === HOST_IMAGE)
      throw new FsbError('invalid_argument', 'the host image cannot be saved: it only shows this machine', {
        hint: 'Save an image that was pulled or imported; see them with: fsb-ctl image list',
      });
    const record = find(reference);
    const image = images.get(record.digest) ?? { record, references: [] };
    const name = nameMeant(record, reference);
    if (name !== undefined && record.references.includes(name) && !image.references.includes(name))
      image.references.push(name);
    images.set(record.digest, image);
  }
  return [...images.values()];
}
