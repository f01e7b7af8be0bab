import { FsbError } from '../../model/failure/errors.ts';
import type { PullRequest } from '../../model/image/image-requests.ts';
import { type Platform, parsePlatform } from '../../model/image/platform.ts';
import { HOST_IMAGE, parseReference } from '../../model/image/reference.ts';
import type { PullTerms } from './pull-image.ts';

/** @throws invalid_argument */
export function pullTerms(
  { reference, platform, credentials, outside }: PullRequest,
  machine: Platform,
): PullTerms {
  if (reference === HOST_IMAGE)
    throw new FsbError('invalid_argument', 'host is the built-in image: there is nothing to pull');
  return {
    reference: parseReference(reference),
    platform: platform === undefined ? machine : parsePlatform(platform),
    ...(credentials && { credentials }),
    ...(outside && { outside }),
  };
}
