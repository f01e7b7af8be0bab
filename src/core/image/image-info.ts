import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ImageDetails, ImageHistory, ImageInfo, ResolvedImage } from '../model/image/image.ts';
import { HOST_IMAGE } from '../model/image/reference.ts';
import type { ImageContent } from './content/image-content.ts';
import type { ImageRecord } from './content/image-records.ts';

/** What people see of an image. @param sizes ImageContent.sizes() */
export function imageInfo(record: ImageRecord, sizes: ReturnType<ImageContent['sizes']>): ImageInfo {
  const { digest, references, repoDigests, architecture, variant, createdAt, importedAt } = record;
  return {
    ...{ references, repoDigests, digest, ...sizes(record) },
    ...{ architecture, variant, createdAt, importedAt, usedBy: [] },
  };
}

/** Of the built-in image; what it shows takes no room of its own. */
export const hostInfo = (digest: string, architecture: string, builtAt: number): ImageInfo => ({
  ...{ references: [HOST_IMAGE], repoDigests: [], digest, size: 0, uniqueSize: 0 },
  ...{ architecture, variant: '', createdAt: 0, importedAt: builtAt, usedBy: [] },
});

export const hostDetails = (info: ImageInfo, { config }: Pick<ResolvedImage, 'config'>): ImageDetails => ({
  ...info,
  ...{ configDigest: '', mediaType: '', author: '', config, layers: [], history: [] },
});

/** Everything about an image. Of one that an earlier version imported, as much as is on record. */
export async function imageDetails(record: ImageRecord, content: ImageContent): Promise<ImageDetails> {
  const { configDigest, mediaType, config, layers } = record;
  const { author, history, createdAt } = await described(content.blobs.pathOf(configDigest));
  const info = imageInfo(record, content.sizes());
  return {
    ...info,
    createdAt: info.createdAt || createdAt,
    ...{ configDigest, mediaType, author, config, history },
    layers: layers.map((layer) => ({ ...layer, unpackedSize: content.layers.sizeOf(layer.diffId) })),
  };
}

type Description = Pick<ImageDetails, 'author' | 'history' | 'createdAt'>;

const text = z.string().nullish().catch(undefined);

/** Lenient: what an image says of its origin must not keep anybody from looking at it. */
const descriptionSchema = z.object({
  created: text,
  author: text,
  history: z
    .array(
      z.object({
        ...{ created: text, created_by: text, comment: text },
        empty_layer: z.boolean().nullish().catch(undefined),
      }),
    )
    .nullish()
    .catch(undefined),
});

async function described(path: string | undefined): Promise<Description> {
  const parsed =
    path === undefined ? undefined : descriptionSchema.safeParse(parsedOrNot(await readFile(path)));
  if (!parsed?.success) return { author: '', history: [], createdAt: 0 };
  const { author, created, history } = parsed.data;
  return { author: author ?? '', createdAt: timeOf(created), history: (history ?? []).map(stepOf) };
}

const stepOf = (step: NonNullable<z.output<typeof descriptionSchema>['history']>[number]): ImageHistory => ({
  createdAt: timeOf(step.created),
  createdBy: step.created_by ?? '',
  comment: step.comment ?? '',
  empty: step.empty_layer ?? false,
});

/** Milliseconds since the epoch; 0 when it does not say, also for the zero of Go, in the year 1. */
function timeOf(written: string | null | undefined): number {
  const time = Date.parse(written ?? '');
  return Number.isNaN(time) ? 0 : Math.max(time, 0);
}

function parsedOrNot(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
