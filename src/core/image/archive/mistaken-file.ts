import { type FileHandle, open } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import { BLOCK, type Header, parseHeader } from '../../tar/header.ts';

/** An image file taken for a root file system, and the other way round. */

/** One of them is in every Linux, and none in an image file. */
const SYSTEM_DIRECTORIES: ReadonlySet<string> = new Set(['bin', 'etc', 'lib', 'sbin', 'usr']);

/** @param topLevel names of what is in the file, without what is below them */
export function howToImport(topLevel: readonly string[]): string {
  if (topLevel.some((name) => SYSTEM_DIRECTORIES.has(name)))
    return 'It looks like a root file system: add --rootfs --name NAME (a directory as a tar: tar -C DIRECTORY -cf FILE .)';
  return 'Make one with: docker save -o FILE IMAGE, or: skopeo copy docker://IMAGE oci-archive:FILE:NAME';
}

const DOCUMENTS: ReadonlySet<string> = new Set(['manifest.json', 'index.json']);
/** What else is in the files of images: blobs, layers of every docker, links between them. */
const PARTS = /^(blobs\/|oci-layout$|repositories$|[0-9a-f]{64}(\.json|\.tar|\/|$))/;

/**
 * Looks at the names of the members of a plain tar, as far as they are those of an image file: of a root file system
 * that is the first one.
 * @throws invalid_argument when it is an image file
 */
export async function assertNoImageFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    const seen = { documents: 0, parts: 0 };
    for await (const name of names(file)) {
      if (DOCUMENTS.has(name)) seen.documents += 1;
      else if (PARTS.test(name)) seen.parts += 1;
      else return;
    }
    if (seen.documents === 0 || seen.parts === 0) return;
  } finally {
    await file.close();
  }
  throw new FsbError('invalid_argument', 'it is the file of an image, not of a root file system', {
    hint: 'Leave out --rootfs: fsb-ctl image import FILE',
  });
}

/** Ends where it is no tar: what is wrong with it is said elsewhere. */
async function* names(file: FileHandle): AsyncGenerator<string> {
  const block = Buffer.alloc(BLOCK);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(block, 0, BLOCK, at);
    const header = bytesRead === BLOCK ? headerOrNot(block) : undefined;
    if (header === undefined) return;
    // Long names and times stand before the member that they are about.
    if (/[0-7]/.test(header.type)) yield header.name.replace(/^(\.?\/)+/, '');
    at += BLOCK + Math.ceil(header.size / BLOCK) * BLOCK;
  }
}

function headerOrNot(block: Buffer): Header | undefined {
  try {
    return parseHeader(block);
  } catch {
    return undefined;
  }
}
