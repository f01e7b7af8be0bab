import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';

/** Bytes of all layers as they came, each once: about what `image save` writes. @throws image_not_found */
export async function layersSize(
  core: Pick<CoreApi, 'images'>,
  references: readonly string[],
  call: CallOptions,
): Promise<number> {
  const images = await Promise.all(references.map((reference) => core.images.inspect(reference, call)));
  const sizes = new Map(images.flatMap(({ layers }) => layers.map(({ digest, size }) => [digest, size])));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
