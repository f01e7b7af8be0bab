import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { digestOfHex, isDigest } from '../../model/image/digest.ts';
import {
  canonicalReference,
  familiarName,
  HOST_IMAGE,
  type ImageReference,
  parseReference,
  repositoryOf,
} from '../../model/image/reference.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { repositoryOfName } from './record-names.ts';

// As many digits as `image list` shows of a digest.
const SHORTEST_DIGEST = 12;

/**
 * The image that a text means: a digest, a name, a name with a digest, or the first digits of one image's digest.
 * @throws invalid_argument when the text is neither a name nor a digest
 */
export function findRecord(records: readonly ImageRecord[], text: string): ImageRecord | undefined {
  if (isDigest(text)) return findByDigest(records, text);
  if (/^[0-9a-f]{64}$/.test(text)) return findByDigest(records, digestOfHex(text));
  const prefix = text.replace(/^sha256:/, '');
  const isPrefix = /^[0-9a-f]+$/.test(prefix) && prefix.length >= SHORTEST_DIGEST;
  const byName = isPrefix && prefix !== text ? undefined : findByName(records, parseReference(text));
  if (byName !== undefined || !isPrefix) return byName;
  const fitting = records.filter(({ digest }) => digest.startsWith(digestOfHex(prefix)));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** How to get an image that is not here, and which one was maybe meant. */
export function imageNotFound(records: readonly ImageRecord[], text: string): FsbError {
  const near = nearestName([HOST_IMAGE, ...namesOf(records)], text);
  const question = near === undefined ? '' : `Did you mean ${near}? `;
  return notHere(text, `${question}Bring it in with: ${howToGet(text)}`);
}

/** Nobody brings an image in to remove it. The built-in one cannot be meant. */
export function nothingToRemove(records: readonly ImageRecord[], text: string): FsbError {
  const near = nearestName(namesOf(records), text);
  return notHere(
    text,
    near === undefined ? 'See what there is with: fsb-ctl image list' : `Did you mean ${near}?`,
  );
}

const notHere = (text: string, hint: string): FsbError =>
  new FsbError('image_not_found', `image ${familiarName(text)} is not here`, { hint });

const namesOf = (records: readonly ImageRecord[]): string[] =>
  records.flatMap(({ references }) => references.map(familiarName));

function nearestName(names: readonly string[], text: string): string | undefined {
  const untagged = familiarName(text).replace(/:latest$/, '');
  // The likeliest slip is a forgotten tag, which means `latest`.
  return (
    names.find((name) => name.startsWith(`${untagged}:`)) ??
    didYouMean(text, [...names, ...names.map((name) => name.replace(/:latest$/, ''))])
  );
}

function howToGet(text: string): string {
  if (isDigest(text)) return 'fsb-ctl image import FILE NAME';
  const name = familiarName(text);
  return `fsb-ctl image pull ${name}, or fsb-ctl image import FILE ${name}`;
}

function findByName(records: readonly ImageRecord[], wanted: ImageReference): ImageRecord | undefined {
  const canonical = canonicalReference(wanted);
  const exact = records.find(({ references }) => references.includes(canonical));
  if (exact !== undefined || wanted.digest === undefined) return exact;
  // With a digest the tag says nothing; the repository must be one that the image is known by.
  const repository = repositoryOf(wanted);
  const byDigest = `${repository}@${wanted.digest}`;
  return records.find(
    ({ digest, references, repoDigests }) =>
      repoDigests.includes(byDigest) ||
      (digest === wanted.digest &&
        [...references, ...repoDigests].some((name) => repositoryOfName(name) === repository)),
  );
}

/** Of a manifest, or of an index that led to it. */
function findByDigest(records: readonly ImageRecord[], text: string): ImageRecord | undefined {
  return (
    records.find(({ digest }) => digest === text) ??
    records.find(({ repoDigests }) => repoDigests.some((name) => name.endsWith(`@${text}`)))
  );
}
