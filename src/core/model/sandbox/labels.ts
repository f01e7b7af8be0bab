import type { LabelFilter } from '../image/image-requests.ts';

/** Whether an image, or a sandbox, has all of the labels that are wanted. */
export const hasLabels = (own: Record<string, string>, wanted: readonly LabelFilter[]): boolean =>
  wanted.every(({ key, value }) => Object.hasOwn(own, key) && (value === undefined || own[key] === value));
