import { stat } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import type { Platform } from '../../model/image/platform.ts';
import type { FoundImage } from '../format/found-image.ts';
import { howToImport } from './mistaken-file.ts';
import { readDockerSave } from './read-docker-save.ts';
import { readOciLayout } from './read-oci-layout.ts';
import { type ArchiveSource, DirectorySource } from './source.ts';
import { TarSource } from './tar-source.ts';

/**
 * Opens an image file: an OCI layout directory, an OCI archive or a docker-save tar, by what is in it.
 * @throws not_found, invalid_argument
 */
export async function openArchive(
  path: string,
  staging: string,
  signal?: AbortSignal,
): Promise<ArchiveSource> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new FsbError(error.code === 'ENOENT' ? 'not_found' : 'invalid_argument', why, {
      hint: 'Give an OCI layout directory, an OCI archive, or what docker save wrote.',
    });
  });
  if (stats.isDirectory()) return new DirectorySource(path, signal);
  if (stats.isFile()) return TarSource.open(path, staging, signal);
  throw new FsbError('invalid_argument', 'it is neither a file nor a directory');
}

/** docker 25 and later save both formats in one file; the OCI one is preferred, because it has the manifest's digest. */
export async function readArchive(source: ArchiveSource, wanted: Platform): Promise<FoundImage[]> {
  if ((await source.has('index.json')) && (await source.has('oci-layout')))
    return readOciLayout(source, wanted);
  if (await source.has('manifest.json')) return readDockerSave(source, wanted);
  throw new FsbError('invalid_argument', 'it is no OCI layout, OCI archive or docker-save tar', {
    hint: howToImport(await source.topLevel()),
  });
}
