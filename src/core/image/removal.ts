import { FsbError } from '../model/errors.ts';
import { familiarName } from '../model/reference.ts';
import type { ImageRecord } from './content/image-records.ts';

/** @throws conflict: removing an image by its digest must not take names away that nobody spoke of */
export function assertOneName(record: ImageRecord, reference: string): void {
  if (record.references.length > 1)
    throw new FsbError('conflict', `cannot remove image ${reference}: it has several names`, {
      hint: `Remove them one by one: ${record.references.map(familiarName).join(', ')}`,
    });
}

export const inUse = (reference: string): FsbError =>
  new FsbError('conflict', `cannot remove image ${familiarName(reference)}: sandboxes use it`, {
    hint: 'Delete them first; see them with: fsb-ctl list',
  });
