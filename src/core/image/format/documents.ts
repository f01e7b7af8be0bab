import { z } from 'zod';
import { FsbError } from '../../model/failure/errors.ts';

/** The JSON documents of image formats, as much of them as is used. Unknown members are allowed, as the formats demand. */

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not a sha256 digest');

/** Bytes. The configuration goes into the list of images, which is written whole at each change. */
export const LARGEST_CONFIGURATION = 1 << 20;
export const LARGEST_MANIFEST = 4 << 20;

/** As for docker; one page of mount options has room for more, and no honest image comes near. */
export const MOST_LAYERS = 127;

/** Go writes an empty list or map as null. */
const orEmpty = <T extends z.ZodType>(schema: T, empty: z.output<T>) =>
  schema.nullish().transform((value) => value ?? empty);

const strings = orEmpty(z.array(z.string()), []);
const stringMap = orEmpty(z.record(z.string(), z.string()), {});

const descriptorSchema = z.object({
  mediaType: z.string().default(''),
  digest,
  size: z.number().int().nonnegative(),
  platform: z
    .object({
      os: z.string().default(''),
      architecture: z.string().default(''),
      variant: z.string().optional(),
    })
    .nullish(),
  annotations: stringMap,
  /** Where else it may be. */
  urls: strings,
});

export const indexSchema = z.object({
  mediaType: z.string().optional(),
  manifests: orEmpty(z.array(descriptorSchema), []),
});

export const manifestSchema = z.object({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema,
  layers: orEmpty(z.array(descriptorSchema), []),
});

export const configurationSchema = z.object({
  architecture: z.string().default(''),
  variant: z.string().optional(),
  os: z.string().default(''),
  created: z.string().nullish(),
  config: z
    .object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      User: orEmpty(z.string(), ''),
      WorkingDir: orEmpty(z.string(), ''),
      StopSignal: orEmpty(z.string(), ''),
      ExposedPorts: orEmpty(z.record(z.string(), z.unknown()), {}),
      Labels: stringMap,
      Volumes: orEmpty(z.record(z.string(), z.unknown()), {}),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: orEmpty(z.array(digest), []) }),
});

export const dockerSaveSchema = z.array(
  z.object({ Config: z.string().min(1), RepoTags: strings, Layers: orEmpty(z.array(z.string().min(1)), []) }),
);

export type Descriptor = z.output<typeof descriptorSchema>;
export type Manifest = z.output<typeof manifestSchema>;
export type Configuration = z.output<typeof configurationSchema>;
export type DockerSaveManifest = z.output<typeof dockerSaveSchema>;

/**
 * Reads one of the documents above.
 * @param what how to call it in an error: `the manifest sha256:...`
 * @throws invalid_argument
 */
export function parseDocument<T extends z.ZodType>(
  schema: T,
  data: Buffer | string,
  what: string,
): z.output<T> {
  assertSize(schema, Buffer.byteLength(data), what);
  let json: unknown;
  try {
    json = JSON.parse(data.toString());
  } catch (cause) {
    throw new FsbError('invalid_argument', `${what} is not JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new FsbError('invalid_argument', `${what} is not valid: ${where}${issue.message}`);
}

function assertSize(schema: z.ZodType, bytes: number, what: string): void {
  const largest = schema === configurationSchema ? LARGEST_CONFIGURATION : LARGEST_MANIFEST;
  if (bytes > largest)
    throw new FsbError('invalid_argument', `${what} has ${bytes} bytes, and may have ${largest}`);
}
