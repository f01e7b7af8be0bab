import { isDigest } from '../../model/image/digest.ts';
import {
  canonicalReference,
  familiarName,
  parseReference,
  repositoryOf,
} from '../../model/image/reference.ts';
import type { ImageRecord } from '../content/image-records.ts';

type Named = Pick<ImageRecord, 'digest' | 'references' | 'repoDigests'>;

/** Which name of an image a text is, a tag or the digest of a repository; undefined when it is another way to say it. */
export function nameMeant({ references, repoDigests }: Named, text: string): string | undefined {
  if (isDigest(text)) return undefined;
  let wanted: ReturnType<typeof parseReference>;
  try {
    wanted = parseReference(text);
  } catch {
    // A short digest is no name.
    return undefined;
  }
  const canonical = canonicalReference(wanted);
  if (references.includes(canonical)) return canonical;
  const byDigest = wanted.digest && `${repositoryOf(wanted)}@${wanted.digest}`;
  return repoDigests.find((name) => name === byDigest);
}

/** What people call it. */
export const firstName = ({ references, repoDigests, digest }: Named): string =>
  references[0] ?? repoDigests[0] ?? digest;

/** The names that go with one: with the last tag of a repository its digests. */
export function namesWith({ references, repoDigests }: Named, name: string): string[] {
  const repository = repositoryOfName(name);
  const isLast = !references.some((other) => other !== name && repositoryOfName(other) === repository);
  const digests = references.includes(name) && isLast ? repoDigests : [];
  return [name, ...digests.filter((other) => other !== name && repositoryOfName(other) === repository)];
}

/** What somebody has to name to remove all of it: its tags, and repositories of which it has only digests. */
export function separateNames({ references, repoDigests }: Named): string[] {
  const tagged = new Set(references.map(repositoryOfName));
  const byDigest = new Map<string, string>();
  for (const name of repoDigests)
    if (!tagged.has(repositoryOfName(name))) byDigest.set(repositoryOfName(name), name);
  return [...references, ...byDigest.values()].map(familiarName);
}

/** `docker.io/library/alpine` */
export const repositoryOfName = (name: string): string => repositoryOf(parseReference(name));
