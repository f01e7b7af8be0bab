import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { isDigest } from '../../core/model/image/digest.ts';
import type { ImageInfo } from '../../core/model/image/image.ts';
import type { LabelFilter } from '../../core/model/image/image-requests.ts';
import { familiarName, HOST_IMAGE, parseReference } from '../../core/model/image/reference.ts';
import { hasLabels } from '../../core/model/sandbox/labels.ts';
import { matchesGlob } from './glob.ts';

/** @throws invalid_argument */
export function parseDangling(words: readonly string[]): boolean | undefined {
  const word = words.at(-1);
  if (word === undefined) return undefined;
  if (/^(true|1)$/i.test(word)) return true;
  if (/^(false|0)$/i.test(word)) return false;
  throw new FsbError('invalid_argument', `invalid filter "dangling=${word}"`, {
    hint: 'Write dangling=true or dangling=false.',
  });
}

export const isDangling = ({ references }: ImageInfo): boolean => references.length === 0;

/** `alpine` is any tag of it, `alpine:3.*` some; written as people write names. */
export const matchesReference = (reference: string, pattern: string): boolean =>
  spellings(reference).some((name) => matchesGlob(pattern, name));

/** With its tag and without, short and canonical. */
function spellings(reference: string): string[] {
  if (reference === HOST_IMAGE || isDigest(reference)) return [reference];
  const { domain, path } = parseReference(reference);
  const familiar = familiarName(reference);
  const suffix = reference.slice(`${domain}/${path}`.length);
  return [familiar, familiar.slice(0, familiar.length - suffix.length), reference, `${domain}/${path}`];
}

/** Those with all of the labels. What a list does not tell is asked image by image. */
export async function withLabels(
  core: Pick<CoreApi, 'images'>,
  images: ImageInfo[],
  labels: readonly LabelFilter[],
  call: CallOptions,
): Promise<ImageInfo[]> {
  if (labels.length === 0) return images;
  const fits = await Promise.all(
    images.map(async ({ references: [name], digest }) =>
      hasLabels(await labelsOf(core, name ?? digest, call), labels),
    ),
  );
  return images.filter((_, at) => fits[at]);
}

async function labelsOf(
  core: Pick<CoreApi, 'images'>,
  name: string,
  call: CallOptions,
): Promise<Record<string, string>> {
  try {
    return (await core.images.inspect(name, call)).config.labels;
  } catch (error) {
    // It was removed meanwhile.
    if (FsbError.from(error).code === 'image_not_found') return {};
    throw error;
  }
}

/**
 * Those that were built before all of some images, and after all of others. One that does not say when is neither.
 * @throws image_not_found
 */
export async function builtBetween(
  core: Pick<CoreApi, 'images'>,
  images: ImageInfo[],
  { before, since }: Record<'before' | 'since', readonly string[]>,
  call: CallOptions,
): Promise<ImageInfo[]> {
  const times = (names: readonly string[]): Promise<number[]> =>
    Promise.all(names.map(async (name) => (await core.images.inspect(name, call)).createdAt));
  const [ends, starts] = [await times(before), await times(since)];
  if (ends.length + starts.length === 0) return images;
  return images.filter(
    ({ createdAt: at }) => at > 0 && ends.every((end) => at < end) && starts.every((start) => at > start),
  );
}
