import type { ImageRecord } from './image-record.ts';
import { partsOf } from './usage.ts';

/** Bytes: all that an image has, and what no other image has. */
export interface ImageSize {
  size: number;
  uniqueSize: number;
}

/** What blobs and layers take; 0 for one that is not here. */
interface Sized {
  sizeOf(digest: string): number;
}

type Part = [key: string, bytes: number];

/** The sizes of images among those of these records. */
export function sizesOf(
  records: readonly ImageRecord[],
  layers: Sized,
  blobs: Sized,
): (record: ImageRecord) => ImageSize {
  const counts = new Map<string, number>();
  const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const record of records) for (const [key] of sizedParts(record, layers, blobs)) count(key);
  return (record) => {
    const parts = sizedParts(record, layers, blobs);
    const own = parts.filter(([key]) => (counts.get(key) ?? 0) <= 1);
    return { size: sum(parts), uniqueSize: sum(own) };
  };
}

/** Bytes of all that these records have, what several of them have once. */
export function totalOf(records: readonly ImageRecord[], layers: Sized, blobs: Sized): number {
  return sum([...new Map(records.flatMap((record) => sizedParts(record, layers, blobs)))]);
}

/** Each once. */
function sizedParts(record: ImageRecord, layers: Sized, blobs: Sized): Part[] {
  const parts = partsOf(record);
  return [
    ...[...parts.layers].map((digest): Part => [`layer ${digest}`, layers.sizeOf(digest)]),
    ...[...parts.blobs].map((digest): Part => [`blob ${digest}`, blobs.sizeOf(digest)]),
  ];
}

const sum = (parts: readonly Part[]): number => parts.reduce((all, [, bytes]) => all + bytes, 0);
