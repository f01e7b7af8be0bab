import { z } from 'zod';
import type { ImageConfig } from '../../model/image/image.ts';

const configSchema = z.object({
  entrypoint: z.array(z.string()),
  cmd: z.array(z.string()),
  env: z.array(z.string()),
  user: z.string(),
  workingDir: z.string(),
  stopSignal: z.string().optional(),
  exposedPorts: z.array(z.number()),
  labels: z.record(z.string(), z.string()),
  volumes: z.array(z.string()).optional(),
}) satisfies z.ZodType<ImageConfig>;

const layerSchema = z.object({
  /** Of the layer as it came; empty in an image that an earlier version imported, which kept no blobs. */
  digest: z.string(),
  diffId: z.string(),
  mediaType: z.string(),
  /** Bytes as it came. */
  size: z.number(),
});

const recordSchema = z.object({
  /** Of the manifest. */
  digest: z.string(),
  /** Of the manifest; empty in an image that an earlier version imported. */
  mediaType: z.string(),
  /** Of the configuration; the same. */
  configDigest: z.string(),
  references: z.array(z.string()),
  /** `docker.io/library/alpine@sha256:...`, maybe of the index that led to the manifest. */
  repoDigests: z.array(z.string()),
  config: configSchema,
  /** Bottom first. */
  layers: z.array(layerSchema),
  architecture: z.string(),
  variant: z.string(),
  /** Milliseconds since the epoch; 0: unknown. */
  createdAt: z.number(),
  importedAt: z.number(),
  /** It was removed while instances used it: it has no name, and goes with the last of them. */
  removed: z.literal(true).optional(),
});

const firstRecordSchema = z.object({
  ...{ digest: z.string(), references: z.array(z.string()), config: configSchema },
  ...{ diffIds: z.array(z.string()), architecture: z.string(), importedAt: z.number() },
});

/** The file of all of them, in every layout that there was. */
export const fileSchema = z.discriminatedUnion('version', [
  z.object({ version: z.literal(2), images: z.array(recordSchema) }),
  z.object({ version: z.literal(1), images: z.array(firstRecordSchema.transform(upgraded)) }),
]);

function upgraded({ diffIds, ...record }: z.output<typeof firstRecordSchema>): z.output<typeof recordSchema> {
  const layers = diffIds.map((diffId) => ({ digest: '', diffId, mediaType: '', size: 0 }));
  return { ...record, layers, mediaType: '', configDigest: '', repoDigests: [], variant: '', createdAt: 0 };
}

export type ImageRecord = z.output<typeof recordSchema>;
