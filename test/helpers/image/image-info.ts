import type { ImageInfo, ImportedImage } from '../../../src/core/model/image/image.ts';

/** A row of `image list`, of whatever does not matter to a test. */
export const imageInfo = (parts: Partial<ImageInfo> = {}): ImageInfo => ({
  ...{ references: ['docker.io/library/a:1'], repoDigests: [], digest: `sha256:${'0'.repeat(64)}` },
  ...{ size: 0, uniqueSize: 0, architecture: 'amd64', variant: '', createdAt: 0 },
  ...{ importedAt: 1_700_000_000_000.5, usedBy: [] },
  ...parts,
});

/** That came in under all of its names, or under some. */
export const importedImage = (image: ImageInfo, loaded = image.references): ImportedImage => ({
  ...image,
  loaded,
});
