import { FsbError } from '../../model/failure/errors.ts';
import { canonicalReference, parseReference } from '../../model/image/reference.ts';
import type { Catalogue } from '../catalogue.ts';
import { assertNotHost } from './image-names.ts';
import type { Publisher } from './publisher.ts';

export interface TagGround {
  catalogue: Pick<Catalogue, 'find'>;
  publisher: Pick<Publisher, 'tag'>;
  isHost: (reference: string) => boolean;
}

/** As ImageApi.tag. */
export async function tagImage(
  source: string,
  target: string,
  { catalogue, publisher, isHost }: TagGround,
): Promise<void> {
  if (isHost(source))
    throw new FsbError('conflict', 'the image host is built in and cannot have another name', {
      hint: 'It only shows this machine. Name it where it is meant: --image host.',
    });
  const name = newName(target);
  // It may go before its turn comes; then the search says so.
  while (!(await publisher.tag(catalogue.find(source).digest, name)));
}

/** Canonical. @throws invalid_argument */
function newName(text: string): string {
  assertNotHost(text);
  const reference = parseReference(text);
  if (reference.digest === undefined) return canonicalReference(reference);
  throw new FsbError('invalid_argument', `${text} cannot be a new name: its digest says which image it is`, {
    hint: 'Choose a name with a tag, like tools:1.',
  });
}
